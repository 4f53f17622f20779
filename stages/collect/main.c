#include "stages/collect/collect.h"

int main(int argc, char **argv)
{
    return stage_main(&collect_stage, argc, argv);
}
