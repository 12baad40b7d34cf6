// The calls that the linker exchanges in tests of the recorder (--wrap), as they are.
#pragma once

#include <sys/types.h>

#include <cstddef>

// NOLINTBEGIN: the names are the linker's
extern "C" {
ssize_t __real_write(int file, const void* bytes, size_t count);
int __real_fdatasync(int file);
int __real_fsync(int file);
int __real_rename(const char* from, const char* to);
}
// NOLINTEND
