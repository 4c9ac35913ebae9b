// SPDX-License-Identifier: Apache-2.0
/*
 * netcapture INTERFACE PORT...: looks at the frames of a tap with IPv4 and TCP from or to these
 *ports of the host's, as the host's kernel has them, and counts until SIGTERM. Then prints for each
 *port two lines:
 *
 *	PORT from-guest gso=N partial=N complete=N wrong=N largest=N
 *	PORT to-guest ...
 *
 * gso: the frame is still to be cut into segments; partial: its checksum is still to be computed;
 * complete, wrong: the checksum is there, and right, or not.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { PORTS_MAX = 4, FRAME_MAX = 1 << 17 };

struct tally {
	unsigned gso, partial, complete, wrong, largest;
};

static volatile sig_atomic_t over;

static void end(int sig)
{
	(void)sig;
	over = 1;
}

_Noreturn static void die(const char *what)
{
	fprintf(stderr, "netcapture: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t add(uint64_t sum, const uint8_t *at, size_t len)
{
	for (; len >= 2; at += 2, len -= 2)
		sum += (uint64_t)at[0] << 8 | at[1];
	return len ? sum + ((uint64_t)at[0] << 8) : sum;
}

/* Of a TCP segment of @len bytes, with the pseudo header before it. */
static int checksum_ok(const struct iphdr *ip, const uint8_t *tcp, size_t len)
{
	uint64_t sum = IPPROTO_TCP + len;

	sum = add(sum, (const uint8_t *)&ip->saddr, 8);
	sum = add(sum, tcp, len);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

static void count(struct tally *t, const struct virtio_net_hdr *h, const struct iphdr *ip,
		  const uint8_t *tcp, size_t frame)
{
	if (frame > t->largest)
		t->largest = (unsigned)frame;
	if (h->gso_type != VIRTIO_NET_HDR_GSO_NONE)
		t->gso++;
	if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		t->partial++;
	else if (checksum_ok(ip, tcp, (size_t)ntohs(ip->tot_len) - 4 * ip->ihl))
		t->complete++;
	else
		t->wrong++;
}

static void look(const uint8_t *buf, size_t len, int to_guest, unsigned nr, const unsigned *port,
		 struct tally (*tally)[2])
{
	const struct virtio_net_hdr *h = (const void *)buf;
	const uint8_t *frame = buf + sizeof(*h);
	const struct iphdr *ip = (const void *)(frame + ETH_HLEN);
	const struct tcphdr *tcp;
	unsigned host;

	if (len < sizeof(*h) + ETH_HLEN + sizeof(*ip) + sizeof(*tcp) || frame[12] != 8 ||
	    frame[13] != 0 || ip->protocol != IPPROTO_TCP ||
	    sizeof(*h) + ETH_HLEN + ntohs(ip->tot_len) > len)
		return;
	tcp = (const void *)(frame + ETH_HLEN + 4 * ip->ihl);
	host = ntohs(to_guest ? tcp->source : tcp->dest);
	for (unsigned i = 0; i < nr; i++)
		if (port[i] == host)
			count(&tally[i][to_guest], h, ip, (const uint8_t *)tcp, len - sizeof(*h));
}

static int capture(const char *interface)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	const struct timeval patience = { .tv_usec = 100000 };
	const int one = 1, room = 16 << 20;
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	at.sll_ifindex = (int)if_nametoindex(interface);
	if (fd < 0 || !at.sll_ifindex)
		die(interface);
	if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)))
		die("a packet socket");
	return fd;
}

int main(int argc, char **argv)
{
	static uint8_t buf[FRAME_MAX] __attribute__((aligned(4)));
	static struct tally tally[PORTS_MAX][2];
	const struct sigaction sa = { .sa_handler = end };
	unsigned port[PORTS_MAX], nr = 0;
	int fd;

	if (argc < 3 || argc > 2 + PORTS_MAX) {
		fprintf(stderr, "usage: netcapture INTERFACE PORT...\n");
		return 2;
	}
	while (nr < (unsigned)argc - 2) {
		port[nr] = (unsigned)atoi(argv[2 + nr]);
		nr++;
	}
	sigaction(SIGTERM, &sa, NULL);
	fd = capture(argv[1]);
	printf("capturing\n");
	fflush(stdout);
	while (!over) {
		struct sockaddr_ll from;
		socklen_t size = sizeof(from);
		ssize_t n = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &size);

		if (n > 0)
			look(buf, (size_t)n, from.sll_pkttype == PACKET_OUTGOING, nr, port, tally);
	}
	for (unsigned i = 0; i < 2 * nr; i++) {
		const struct tally *t = &tally[i / 2][i % 2];

		printf("%u %s gso=%u partial=%u complete=%u wrong=%u largest=%u\n", port[i / 2],
		       i % 2 ? "to-guest" : "from-guest", t->gso, t->partial, t->complete, t->wrong,
		       t->largest);
	}
	return 0;
}
