# SPDX-License-Identifier: Apache-2.0
#
# `make prove`: the contracts in headers, by Frama-C's WP, which is also shown bugs that it has
# to find.

.PHONY: prove prove-code
prove: prove-code

prove-code:
	$(Q)tests/prove/run

