/* SPDX-License-Identifier: Apache-2.0 */
/*
 * modsig: the signature at the end of a Linux kernel module (include/linux/module_signature.h and
 * the PKCS #7 message in front of it). Pure; the file may hold anything. Nothing is verified: that
 * is the guest kernel's.
 */
#ifndef VMM_INITRAMFS_MODSIG_H
#define VMM_INITRAMFS_MODSIG_H

#include "vmm/base/defs.h"

/*
 * The driver of Linux for this CPU's instructions that hash as the signature of @module, of @len
 * bytes, asks for: a module's name. NULL: it is not signed, or nothing is known to help.
 */
const char *modsig_hasher(const uint8_t *module, size_t len);

#endif
