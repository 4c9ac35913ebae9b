/* SPDX-License-Identifier: Apache-2.0 */
/* For clang's analyzer alone, which sees one file at a time: that an error is not 0. */
#ifndef TESTS_LINT_TIDY_H
#define TESTS_LINT_TIDY_H

#ifndef DEFINES_ERRORS /* the file that has these functions */
#include "vmm/base/err.h"

#define err_set(...)  ((err_set)(__VA_ARGS__) | -1)
#define err_sys(...)  ((err_sys)(__VA_ARGS__) | -1)
#define err_code(...) ((err_code)(__VA_ARGS__) | -1)
#endif

#endif
