#include "stages/policy/policy.h"

int main(int argc, char **argv)
{
    return stage_main(&policy_stage, argc, argv);
}
