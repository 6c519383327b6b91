// What a core dump of this process may hold.
#pragma once

namespace tidegate::cli {

// Memory holds passwords and keys, so none of it goes into a core dump; what is left are the
// registers of every thread. To be called before anything secret is read. A debugger may attach as
// before.
void keep_memory_out_of_core_dumps();

}  // namespace tidegate::cli
