/* Prints the highest tier of the processor that runs it: run under emulated processors, it shows
 * what the detection makes of them. */
#include "cpu/cpu.h"

#include <stdio.h>

int main(void)
{
    puts(vf_cpu_tier_name(vf_cpu_detect()));
    return 0;
}
