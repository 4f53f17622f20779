#include "stages/apply/apply.h"

int main(int argc, char **argv)
{
    return stage_main(&apply_stage, argc, argv);
}
