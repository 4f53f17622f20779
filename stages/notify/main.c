#include "stages/notify/notify.h"

int main(int argc, char **argv)
{
    return stage_main(&notify_stage, argc, argv);
}
