# SPDX-License-Identifier: Apache-2.0
#
# `make prove`: the contracts in headers, by Frama-C's WP, and the models of protocols, by Spin. Both
# are also shown bugs, which they have to find.

.PHONY: prove prove-code prove-models
prove: prove-code prove-models

prove-code:
	$(Q)tests/prove/run

prove-models:
	$(Q)tests/model/run
