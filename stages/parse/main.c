#include "stages/parse/parse.h"

int main(int argc, char **argv)
{
    return stage_main(&parse_stage, argc, argv);
}
