#include "stages/price/price.h"

int main(int argc, char **argv)
{
    return stage_main(&price_stage, argc, argv);
}
