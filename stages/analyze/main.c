#include "stages/analyze/analyze.h"

int main(int argc, char **argv)
{
    return stage_main(&analyze_stage, argc, argv);
}
