/* SPDX-License-Identifier: Apache-2.0
 *
 * runner - run containers as an ordinary user, without a daemon
 */
#include "runner/cmd/cmd.h"

int main(int argc, char **argv)
{
	return cmd_main(argc, argv);
}
