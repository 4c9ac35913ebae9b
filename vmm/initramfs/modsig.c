/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/initramfs/modsig.h"

#include <endian.h>
#include <string.h>

#define MARK "~Module signature appended~\n"

/* struct module_signature, in front of the mark and behind the message. */
enum { TRAILER = 12, TRAILER_TYPE = 2, TRAILER_LEN = 8, TYPE_PKCS7 = 2 };

/* Its first AlgorithmIdentifier is the digest's: the arc of NIST's hashes, and which one. */
static const uint8_t nist_hashes[] = { 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02 };
enum { SHA256 = 1, SHA384 = 2, SHA512 = 3 };

const char *modsig_hasher(const uint8_t *module, size_t len)
{
	const size_t mark = sizeof(MARK) - 1;
	const uint8_t *trailer, *id;
	uint32_t n;

	if (len < mark + TRAILER || memcmp(module + len - mark, MARK, mark) != 0)
		return NULL;
	len -= mark + TRAILER;
	trailer = module + len;
	memcpy(&n, trailer + TRAILER_LEN, sizeof(n));
	n = be32toh(n);
	if (trailer[TRAILER_TYPE] != TYPE_PKCS7 || n > len)
		return NULL;
	id = memmem(trailer - n, n, nist_hashes, sizeof(nist_hashes));
	if (!id || id + sizeof(nist_hashes) == trailer)
		return NULL;
	switch (id[sizeof(nist_hashes)]) {
	case SHA256:
		return "sha2_ce";
	case SHA384:
	case SHA512:
		return "sha512_ce";
	default:
		return NULL;
	}
}
