/*
 * heavy_load.h: kernels of your own for heavy-load, in C or in anything that can call C. Version 1.
 *
 * A plug-in is a dynamic library with one exported function, heavy_load_plugin_v1, which gives a table of kernels. JavaScript loads it
 * with loadKernels(path); then every kernel has the three forms, options, errors, cancellation, deadlines, progress, order and
 * statistics that the built-in ones have, on the same threads. It is native code, with all the rights of the process: what it
 * breaks is broken for all. docs/guides/own-kernels.md shows it step by step; examples/own-kernels-c is a whole one.
 *
 * A call, in the order in which things happen:
 *   prepare   on the JavaScript thread (or the pool's, see `estimate`): checks the arguments and makes them into work, which is a state and a table of functions. It is
 *             quick, and touches no bytes of memory: they may not be there yet. It may be called twice for one call
 *             (once to check, once over a copy), and each state that it gives with HL_OK is freed.
 *   run, merge, step or call
 *             on the pool's threads: do the work, in pieces that the engine sizes to about a millisecond.
 *   free      on any thread, once for each state, when nothing of the work runs any more: also after an error or a cancellation.
 *
 * Rules:
 *   1. Nothing here is thrown through: no C++ exception, no longjmp, no Rust panic may leave a function of the plug-in.
 *   2. A plug-in starts no thread and does not block: its work is run by the pool, on as many threads as there are.
 *   3. What is passed in (texts, memory, resources) is there until the state that was made from it has been freed, and so an hl_value may be
 *      copied into that; an hl_outcome and an hl_call only during the function that they are passed to.
 *   4. Tables and texts of the plug-in (hl_plugin and all that it points to) are there, unchanged, for ever: libraries are never unloaded.
 *   5. Neither side frees what the other has allocated: who gives memory gives a function that frees it.
 *   6. Functions of the host never fail by a signal: null, a wrong range or a wrong kind gives HL_FAILED, NULL or 0. That does not hold
 *      for pointers that lie.
 *
 *   7. A plug-in has one host. Where there are two copies of heavy-load in a process, heavy_load_plugin_v1 is called once by each, with
 *      different tables: answer NULL to the second, whose outcomes and memory the functions of the first do not know.
 *   8. What JavaScript holds must not hold memory that was handed over: a resource copies what it keeps.
 *
 * Versions: heavy_load_plugin_v1 is asked for by name, so a host that no longer knows version 1 says so instead of guessing. Within
 * version 1, tables that say their size may grow at their end, where new fields mean nothing if they are zero: a host takes every table that has
 * at least what version 1 began with, and a plug-in looks at a host's `size` before it calls what was added. hl_value, hl_work, hl_text and
 * hl_estimate never grow.
 */
#ifndef HEAVY_LOAD_H
#define HEAVY_LOAD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HL_ABI 1u

#if defined(_WIN32)
#define HL_EXPORT __declspec(dllexport)
#else
#define HL_EXPORT __attribute__((visibility("default")))
#endif

/* UTF-8 of so many bytes; no nul is needed. */
typedef struct hl_text {
  const char *start;
  size_t length;
} hl_text;

/* A text from a string literal, in a table. */
#define HL_TEXT(literal) { (literal), sizeof(literal) - 1 }

/* A text from a string that ends with nul, as an argument. */
static inline hl_text hl_string(const char *string) {
  hl_text text = { string, strlen(string) };
  return text;
}

/* What a function of the plug-in answers. */
enum {
  HL_OK = 0,     /* done; for work: with what was given to the outcome as its result */
  HL_FAILED = 1, /* host->fail has been called, or the task fails with ERR_KERNEL_PANIC */
  HL_MORE = 2    /* of a step only: there is more to do */
};

/* ------------------------------------------------------------------------------------------------------------------ values */

/* Types of values. */
enum {
  HL_UNDEFINED = 0, /* also an option that was not given and has no default */
  HL_NULL = 1,
  HL_BOOLEAN = 2,
  HL_NUMBER = 3,
  HL_STRING = 4,
  HL_MEMORY = 5,   /* a typed array, DataView, Buffer, ArrayBuffer or SharedArrayBuffer */
  HL_RESOURCE = 6, /* what a plug-in has made: hl_resource_type */
  HL_OTHER = 7,    /* something no kernel takes; its text says what was received */
  HL_JSON = 8      /* of an option only: an array or an object, as JSON in its text */
};

/* Types of elements. */
enum {
  HL_INT8 = 0,
  HL_UINT8 = 1,
  HL_UINT8_CLAMPED = 2,
  HL_INT16 = 3,
  HL_UINT16 = 4,
  HL_INT32 = 5,
  HL_UINT32 = 6,
  HL_FLOAT32 = 7,
  HL_FLOAT64 = 8,
  HL_BIGINT64 = 9,
  HL_BIGUINT64 = 10,
  HL_BUFFER = 11 /* of a value: a bare buffer, bytes without elements. Of a result: bytes, a Buffer in JavaScript */
};

typedef struct hl_memory hl_memory;     /* bytes that JavaScript has handed over, by any hand-over */
typedef struct hl_resource hl_resource; /* a resource in JavaScript's hands */
typedef struct hl_call hl_call;         /* one call's arguments */
typedef struct hl_outcome hl_outcome;   /* where a function puts its result or its error */

typedef struct hl_value {
  uint32_t type;    /* HL_UNDEFINED... */
  uint32_t element; /* of HL_MEMORY: HL_INT8... */
  union {
    uint32_t boolean; /* 0 or 1 */
    double number;
    hl_text text;     /* HL_STRING, HL_JSON, and HL_OTHER's description */
    hl_memory *memory;
    hl_resource *resource;
  } as;
} hl_value;

/* Something that lives on between calls: a compiled pattern, a dictionary. JavaScript holds it as an object, gives it to later
 * calls as input or option, and when it is collected and no work uses it any more, `free` is called, on any thread.
 * A type is its address: one static variable for each. */
typedef struct hl_resource_type {
  uint32_t size; /* sizeof(hl_resource_type) */
  uint32_t reserved;
  hl_text name; /* as JavaScript shows it: "Dictionary" */
  void (*free)(void *resource);
} hl_resource_type;

/* ------------------------------------------------------------------------------------------------------------------ work */

typedef struct hl_work hl_work;

/* Shapes of work. */
enum {
  HL_PARALLEL = 1, /* `length` independent units: run gets disjoint ranges that cover 0..length, many at once; then merge, once, alone */
  HL_STEPPED = 2,  /* step after step, until one does not answer HL_MORE */
  HL_ONE_SHOT = 3  /* one call that cannot pause */
};

/* What work does: one static table for each kind of work. */
typedef struct hl_work_table {
  uint32_t size;  /* sizeof(hl_work_table) */
  uint32_t shape; /* HL_PARALLEL...: it needs the functions named in brackets, the others are null */
  /* [parallel] Units from..to (excluding `to`). Called from many threads at once. No result. */
  int32_t (*run)(void *state, uint64_t from, uint64_t to, hl_outcome *out);
  /* [parallel] After all units: the result. */
  int32_t (*merge)(void *state, hl_outcome *out);
  /* [stepped] Up to `units` units. HL_MORE, or HL_OK with the result. host->progress may be called. */
  int32_t (*step)(void *state, uint64_t units, hl_outcome *out);
  /* [one-shot] All of it: the result. */
  int32_t (*call)(void *state, hl_outcome *out);
  /* [parallel, may be null] The share of the whole task that is done after `done` units, 0..1: for a kernel of several phases. */
  double (*progress)(void *state, uint64_t done);
  /* [all; null if there is no state] */
  void (*free)(void *state);
} hl_work_table;

/* One piece of work. A kernel of several phases ends one with host->then(out, &next). */
struct hl_work {
  const hl_work_table *table;
  void *state;
  uint64_t length;       /* units in all; of stepped work about, or 0 if that cannot be known */
  uint64_t first_morsel; /* units of the first pieces, before their cost is measured: 20 to 200 microseconds of work. 0 counts as 1 */
  uint64_t cost;         /* of the whole call, in units of one steady cost, for predictions; 0 if that cannot be known. `prepare` only */
  uint64_t memory;       /* working memory that the work allocates once it has begun, scratch and result, in bytes. `prepare` only */
};

/* ------------------------------------------------------------------------------------------------------------------ the host */

/* Functions of the host. The table is there for ever, and may be called from every thread that the host calls. */
typedef struct hl_host {
  uint32_t abi;  /* HL_ABI */
  uint32_t size; /* of this table, as the host knows it */

  /* The outcome's error. `code` is one of heavy-load's (ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE, ERR_INVALID_DATA,
   * ERR_OUTPUT_TOO_LARGE, ERR_OUT_OF_MEMORY, ERR_KERNEL_PANIC), or one of the plug-in's own: ERR_, and then capitals, digits and underscores,
   * at most 64 bytes; all plug-ins of a process may have 256 of these. Any other becomes ERR_KERNEL_PANIC. Answers HL_FAILED: return host->fail(...). */
  int32_t (*fail)(hl_outcome *out, hl_text code, hl_text message);
  /* Of prepare: the input is not what is `expected` ("of type string", "an instance of Uint8Array"): ERR_INVALID_ARG_TYPE with Node's own
   * sentence, which says what was received. Answers HL_FAILED. */
  int32_t (*fail_input)(hl_outcome *out, const hl_call *call, hl_text expected);

  /* The outcome's result: the last one that was given counts; without any it is undefined. All answer HL_OK, or HL_FAILED if
   * that could not be taken (the error is the outcome's): return host->give_number(...). */
  int32_t (*give_null)(hl_outcome *out);
  int32_t (*give_boolean)(hl_outcome *out, uint32_t value);
  int32_t (*give_number)(hl_outcome *out, double value);
  /* A string. Copied. What is no UTF-8 is replaced by U+FFFD. */
  int32_t (*give_string)(hl_outcome *out, hl_text value);
  /* JSON, which JavaScript gets as the value that it stands for. Copied. It is parsed on the JavaScript thread. */
  int32_t (*give_json)(hl_outcome *out, hl_text value);
  /* A typed array or Buffer over the plug-in's memory, without a copy: `length` bytes, a multiple of the element's size. `free` (null if there
   * is nothing to free) is called with `context`, once, on any thread, when JavaScript has let go of it, or at once if it
   * could not be taken or had to be copied. The plug-in touches the memory no more. */
  int32_t (*give_memory)(hl_outcome *out, uint32_t element, void *start, size_t length, void (*free)(void *context), void *context);
  /* The view that the task was given as input, whose elements the kernel has changed (HL_IN_PLACE). */
  int32_t (*give_input)(hl_outcome *out);
  /* A resource. It is the host's from here on, also if HL_FAILED is answered. */
  int32_t (*give_resource)(hl_outcome *out, const hl_resource_type *type, void *resource);
  /* Another piece of work to do. Its state is the host's from here on, also if HL_FAILED is answered. */
  int32_t (*then)(hl_outcome *out, const hl_work *next);
  /* Of a step: the share of the whole task that is done, 0..1. */
  void (*progress)(hl_outcome *out, double share);

  /* Memory. Before the work runs only its length may be asked for. */
  size_t (*length)(const hl_memory *memory);
  /* Its bytes for reading, which nobody writes; NULL for shared memory, and for a copy that has not been made yet. */
  const void *(*bytes)(const hl_memory *memory);
  /* Its bytes for writing too, which nobody else can reach (a copy, or a transferred ArrayBuffer); NULL for all other. */
  void *(*bytes_mut)(hl_memory *memory);
  /* Where shared or transferred memory starts, for languages whose every access can be made atomic and of single bytes, as the Rust
   * SDK's is: in C use read, load and store. NULL for all other. */
  void *(*shared_start)(const hl_memory *memory);
  /* Whether JavaScript can read and write it meanwhile: 0 or 1. */
  uint32_t (*is_shared)(const hl_memory *memory);
  /* Copies `length` bytes from `offset` on out of any memory. */
  int32_t (*read)(const hl_memory *memory, size_t offset, size_t length, void *into);
  /* Loads and stores `count` elements of `size` bytes (1, 2, 4 or 8) from byte `offset` on, a multiple of the size: each as a whole, so that
   * JavaScript never sees half of one. For shared memory, and for transferred. */
  int32_t (*load)(const hl_memory *memory, size_t offset, size_t size, size_t count, void *into);
  int32_t (*store)(hl_memory *memory, size_t offset, size_t size, size_t count, const void *from);
  /* Keeps memory for longer than the state (rule 3), until it is released as often. The task's end waits for that. */
  void (*retain)(const hl_memory *memory);
  void (*release)(const hl_memory *memory);

  /* What was given to give_resource, if the value is a resource of this type; else NULL. */
  void *(*resource)(const hl_value *value, const hl_resource_type *type);

  /* Makes the result an object: what was given last becomes its property of this name. Give a value, name it, give the next one. */
  int32_t (*give_field)(hl_outcome *out, hl_text name);

  /* As fail, about what whoever wrote the call has chosen, or what the server keeps: a server does not answer it to its client, as it does with
   * errors about an input and its options. Answers HL_FAILED. */
  int32_t (*fail_call)(hl_outcome *out, hl_text code, hl_text message);
} hl_host;

/* ------------------------------------------------------------------------------------------------------------------ kernels */

/* Types of options. The host checks them, so that a kernel gets none of a wrong type or outside its range. */
enum {
  HL_ANY = 0,           /* anything; the kernel checks */
  HL_OPTION_BOOLEAN = 1,
  HL_OPTION_INTEGER = 2, /* minimum..maximum */
  HL_OPTION_NUMBER = 3,  /* minimum..maximum; no NaN */
  HL_OPTION_STRING = 4,
  HL_OPTION_CHOICE = 5,  /* one of `choices`; the kernel gets its index, as a number */
  HL_OPTION_RESOURCE = 6, /* of the type `resource` */
  HL_OPTION_JSON = 7,    /* an array or an object: HL_JSON */
  HL_OPTION_MEMORY = 8   /* a typed array: HL_MEMORY, a copy that may be read at once */
};

typedef struct hl_option {
  hl_text name;    /* an identifier; not one of those that every task has (signal, timeout, key, ...), which is refused */
  hl_text docs;    /* its documentation: range, unit, default */
  hl_text ts_type; /* its TypeScript type; empty: made from `type` */
  uint32_t type;   /* HL_ANY... */
  uint32_t required; /* 1: ERR_INVALID_ARG_TYPE if it is not given; 2: and that is no mistake of a server's client, as fail_call */
  double minimum;
  double maximum;
  /* What the kernel gets if it is not given: for a boolean 0 or 1, for a choice its index. NaN: HL_UNDEFINED. */
  double fallback;
  const hl_text *choices;
  size_t choice_count;
  const hl_resource_type *resource;
} hl_option;

/* One call's arguments. */
struct hl_call {
  uint32_t size; /* sizeof(hl_call) */
  uint32_t option_count;
  hl_value input;
  const hl_value *options; /* in the order of the kernel's table */
};

/* Flags of a kernel. */
enum {
  HL_IN_PLACE = 1, /* it changes the elements of its input and gives the same view back (give_input) */
  HL_INTEGERS = 2  /* its input is a number, and it takes every integer from 0 to `accepts_integers_up_to` */
};

/* What a call takes: see hl_work. */
typedef struct hl_estimate {
  uint64_t cost;
  uint64_t memory;
} hl_estimate;

typedef struct hl_kernel {
  uint32_t size; /* sizeof(hl_kernel) */
  uint32_t flags;
  hl_text name;           /* of the pool form: a lower-case letter, then letters and digits; not ending with Sync or Async */
  hl_text summary;        /* one line, in Markdown; may be empty */
  hl_text docs;           /* its documentation: shapes, units, errors, source */
  hl_text input_name;     /* in signatures and messages; empty: "input" */
  hl_text input_type;     /* TypeScript; empty: unknown */
  hl_text output_type;    /* TypeScript; empty: unknown */
  hl_text type_parameter; /* TypeScript; may be empty */
  uint64_t accepts_integers_up_to; /* with HL_INTEGERS; below 2^53 */
  const hl_option *options;
  size_t option_count;
  size_t option_size; /* sizeof(hl_option) */
  void *user;         /* passed to prepare */
  /* Checks the arguments and makes them into work. With HL_OK the work's state is the host's; otherwise there is none. */
  int32_t (*prepare)(void *user, const hl_call *call, hl_work *work, hl_outcome *out);
  /* [with HL_INTEGERS; may be null] What a call with this number takes. If that is a cost and no memory, calls of which there are many may
   * be prepared by the pool's threads. */
  hl_estimate (*estimate)(void *user, double number);
} hl_kernel;

typedef struct hl_plugin {
  uint32_t abi;  /* HL_ABI */
  uint32_t size; /* sizeof(hl_plugin) */
  hl_text name;
  const hl_kernel *kernels;
  size_t kernel_count;
  size_t kernel_size; /* sizeof(hl_kernel) */
} hl_plugin;

/* The one function that a plug-in exports. Called once a process, or again after it could not be loaded; `host` stays. NULL: the plug-in cannot be used here. */
HL_EXPORT const hl_plugin *heavy_load_plugin_v1(const hl_host *host);

#ifdef __cplusplus
}
#endif
#endif
