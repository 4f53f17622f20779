#include "stages/gate/gate.h"

int main(int argc, char **argv)
{
    return stage_main(&gate_stage, argc, argv);
}
