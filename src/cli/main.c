/* main.c - finds the command, runs it, prints the error if there is one. */
#include "base/err.h"

int main(void)
{
    return 0;
}
