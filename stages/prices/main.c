#include "stages/prices/prices.h"

int main(int argc, char **argv)
{
    return stage_main(&prices_stage, argc, argv);
}
