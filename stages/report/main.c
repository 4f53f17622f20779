#include "stages/report/report.h"

int main(int argc, char **argv)
{
    return stage_main(&report_stage, argc, argv);
}
