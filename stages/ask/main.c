#include "stages/ask/ask.h"

int main(int argc, char **argv)
{
    return stage_main(&ask_stage, argc, argv);
}
