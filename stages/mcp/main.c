#include "stages/mcp/mcp.h"

int main(int argc, char **argv)
{
    return stage_main(&mcp_stage, argc, argv);
}
