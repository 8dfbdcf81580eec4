/* SPDX-License-Identifier: Apache-2.0
 *
 * tap - a tap device with vnet header and offloads
 */
#include "slirp-net/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "common/cleanup.h"

#define TUN_PATH "/dev/net/tun"

int tap_open(const char *name, struct err *e)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	auto_close int fd = open(TUN_PATH, O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return err_set(e, -errno, "%s", TUN_PATH);
	memcpy(ifr.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
	if (ioctl(fd, TUNSETIFF, &ifr) < 0)
		return err_set(e, -errno, "make the tap device %s", name);
	if (ioctl(fd, TUNSETOFFLOAD, (unsigned long)(TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6)) < 0)
		return err_set(e, -errno, "switch on the offloads of %s", name);
	return take_fd(&fd);
}

int tap_remove_idle(const char *name, bool *ret_up)
{
	struct ifreq ifr = { 0 };
	auto_close int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	auto_close int fd = -1;
	bool up;

	memcpy(ifr.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
	if (sock < 0 || ioctl(sock, SIOCGIFFLAGS, &ifr) < 0)
		return -errno;
	up = ifr.ifr_flags & IFF_UP;
	fd = open(TUN_PATH, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	ifr.ifr_flags = IFF_TAP | IFF_NO_PI;
	/* not persistent any more, it goes with the descriptor */
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0 || ioctl(fd, TUNSETPERSIST, 0) < 0)
		return -errno;
	*ret_up = up;
	return 0;
}
