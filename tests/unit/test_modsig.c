/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"
#include "vmm/initramfs/modsig.h"

#include <stdlib.h>
#include <string.h>

/* The beginning of a PKCS #7 message, as Debian's modules have it; the last byte is the hash. */
#define MESSAGE                                                                                    \
	"\x30\x82\x02\xa3\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x82\x02\x94\x30"         \
	"\x82\x02\x90\x02\x01\x01\x31\x0d\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02"
#define TRAILER(type, len) "\0\0" type "\0\0\0\0\0\0\0\0" len
#define MARK		   "~Module signature appended~\n"

/* In memory of just that size, for the sanitizers. */
static const char *hasher(const char *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	const char *name;

	EXPECT(copy);
	memcpy(copy, bytes, len);
	name = modsig_hasher(copy, len);
	free(copy);
	return name ? name : "none";
}
#define HASHER(bytes) hasher(bytes, sizeof(bytes) - 1)

TEST(signature_says_which_hash_it_takes)
{
	EXPECT_STR(HASHER("module" MESSAGE "\x01" TRAILER("\2", "\x29") MARK), "sha2_ce");
	EXPECT_STR(HASHER("module" MESSAGE "\x02" TRAILER("\2", "\x29") MARK), "sha512_ce");
	EXPECT_STR(HASHER("module" MESSAGE "\x03 more" TRAILER("\2", "\x2e") MARK), "sha512_ce");
	EXPECT_STR(HASHER(MESSAGE "\x01" TRAILER("\2", "\x29") MARK), "sha2_ce");
}

TEST(anything_else_is_none)
{
	static const char good[] = "module" MESSAGE "\x01" TRAILER("\2", "\x29") MARK;

	EXPECT_STR(HASHER("module" MESSAGE "\x04" TRAILER("\2", "\x29") MARK), "none");
	EXPECT_STR(HASHER("module" MESSAGE "\x01" TRAILER("\1", "\x29") MARK), "none");
	/* Only in the module itself, not in the signature. */
	EXPECT_STR(HASHER("module" MESSAGE "\x01" TRAILER("\2", "\x09") MARK), "none");
	EXPECT_STR(HASHER("module" MESSAGE "\x01" TRAILER("\2", "\0") MARK), "none");
	/* It ends where the hash should be named, or is longer than the module. */
	EXPECT_STR(HASHER("module" MESSAGE "\1\0\2\0\0\0\0\0\0\0\0\x28" MARK), "none");
	EXPECT_STR(HASHER("module" MESSAGE "\x01" TRAILER("\2", "\x30") MARK), "none");
	EXPECT_STR(HASHER(TRAILER("\2", "\0") MARK), "none");
	EXPECT_STR(HASHER("module" MESSAGE "\x01" TRAILER("\2", "\x29") MARK "x"), "none");
	for (size_t i = 0; i < sizeof(good) - 1; i++) {
		EXPECT_STR(hasher(good, i), "none");
		if (i > sizeof("module" MESSAGE) - 1)
			EXPECT_STR(hasher(good + i, sizeof(good) - 1 - i), "none");
	}
}

TEST_MAIN(T(signature_says_which_hash_it_takes), T(anything_else_is_none))
