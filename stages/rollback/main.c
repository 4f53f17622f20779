#include "stages/rollback/rollback.h"

int main(int argc, char **argv)
{
    return stage_main(&rollback_stage, argc, argv);
}
