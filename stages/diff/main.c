#include "stages/diff/diff.h"

int main(int argc, char **argv)
{
    return stage_main(&diff_stage, argc, argv);
}
