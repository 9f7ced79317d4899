/*
 * Kernels of one's own, in C: countBytes, on all threads, and slug, in one go. See include/heavy_load.h.
 *
 * Build: cc -std=c11 -O2 -shared -fPIC -I node_modules/heavy-load/include kernels.c -o kernels.node
 */
#include <ctype.h>
#include <heavy_load.h>
#include <stdatomic.h>
#include <stdlib.h>

static const hl_host *host;

/* ---- countBytes(bytes): how often each of the 256 bytes occurs. Parallel; a unit is 4 KiB. */

enum { UNIT = 4096 };

typedef struct {
  hl_memory *memory;
  atomic_uint_least32_t counts[256];
} counting;

static int32_t count_run(void *state, uint64_t from, uint64_t to, hl_outcome *out) {
  counting *work = state;
  uint32_t counts[256] = {0};
  uint8_t block[UNIT];
  size_t length = host->length(work->memory);
  for (uint64_t unit = from; unit < to; unit++) {
    size_t offset = unit * UNIT, size = length - offset < UNIT ? length - offset : UNIT;
    /* By copy, so that a SharedArrayBuffer will do as well. */
    if (host->read(work->memory, offset, size, block) != HL_OK)
      return host->fail(out, hl_string("ERR_INVALID_DATA"), hl_string("The bytes cannot be read"));
    for (size_t at = 0; at < size; at++) counts[block[at]]++;
  }
  for (int byte = 0; byte < 256; byte++)
    if (counts[byte] != 0) atomic_fetch_add_explicit(&work->counts[byte], counts[byte], memory_order_relaxed);
  return HL_OK;
}

static int32_t count_merge(void *state, hl_outcome *out) {
  counting *work = state;
  uint32_t *result = malloc(256 * sizeof *result);
  if (result == NULL) return host->fail(out, hl_string("ERR_OUT_OF_MEMORY"), hl_string("No memory for 256 counts"));
  for (int byte = 0; byte < 256; byte++) result[byte] = atomic_load(&work->counts[byte]);
  return host->give_memory(out, HL_UINT32, result, 256 * sizeof *result, free, result); /* JavaScript's from here on */
}

static const hl_work_table COUNTING = {
  .size = sizeof(hl_work_table), .shape = HL_PARALLEL, .run = count_run, .merge = count_merge, .free = free,
};

static int32_t count_prepare(void *user, const hl_call *call, hl_work *work, hl_outcome *out) {
  (void)user;
  if (call->input.type != HL_MEMORY) return host->fail_input(out, call, hl_string("an instance of Buffer, TypedArray or DataView"));
  counting *state = calloc(1, sizeof *state);
  if (state == NULL) return host->fail(out, hl_string("ERR_OUT_OF_MEMORY"), hl_string("No memory for 256 counts"));
  state->memory = call->input.as.memory;
  *work = (hl_work){ .table = &COUNTING, .state = state, .first_morsel = 16,
                     .length = (host->length(state->memory) + UNIT - 1) / UNIT };
  return HL_OK;
}

/* ---- slug(title, { separator }): a title for a URL. One call that cannot pause. */

typedef struct {
  hl_text title; /* there until this has been freed */
  char separator;
} slugging;

static int32_t slug_call(void *state, hl_outcome *out) {
  slugging *work = state;
  char *slug = malloc(work->title.length + 1);
  if (slug == NULL) return host->fail(out, hl_string("ERR_OUT_OF_MEMORY"), hl_string("No memory for the slug"));
  size_t length = 0;
  for (size_t at = 0; at < work->title.length; at++) {
    unsigned char c = (unsigned char)work->title.start[at];
    if (c < 128 && isalnum(c)) slug[length++] = (char)tolower(c);
    else if (length > 0 && slug[length - 1] != work->separator) slug[length++] = work->separator;
  }
  if (length > 0 && slug[length - 1] == work->separator) length--;
  int32_t status = host->give_string(out, (hl_text){ slug, length }); /* copied */
  free(slug);
  return status;
}

static const hl_work_table SLUGGING = {
  .size = sizeof(hl_work_table), .shape = HL_ONE_SHOT, .call = slug_call, .free = free,
};

static const char SEPARATORS[] = { '-', '_', '.' };

static int32_t slug_prepare(void *user, const hl_call *call, hl_work *work, hl_outcome *out) {
  (void)user;
  if (call->input.type != HL_STRING) return host->fail_input(out, call, hl_string("of type string"));
  slugging *state = malloc(sizeof *state);
  if (state == NULL) return host->fail(out, hl_string("ERR_OUT_OF_MEMORY"), hl_string("No memory for the slug"));
  state->title = call->input.as.text;
  state->separator = SEPARATORS[(size_t)call->options[0].as.number]; /* the host has checked it, and gives the choice's index */
  *work = (hl_work){ .table = &SLUGGING, .state = state };
  return HL_OK;
}

/* ---- The table. */

static const hl_text SEPARATOR_NAMES[] = { HL_TEXT("-"), HL_TEXT("_"), HL_TEXT(".") };

static const hl_option SLUG_OPTIONS[] = { {
  .name = HL_TEXT("separator"), .docs = HL_TEXT("Between words. Default: '-'."),
  .type = HL_OPTION_CHOICE, .choices = SEPARATOR_NAMES, .choice_count = 3, .fallback = 0,
} };

static const hl_kernel KERNELS[] = {
  {
    .size = sizeof(hl_kernel), .name = HL_TEXT("countBytes"),
    .summary = HL_TEXT("how often each of the 256 bytes occurs, on all threads"),
    .docs = HL_TEXT("Counts how often each of the 256 bytes occurs.\n\n`bytes`: any length.\n\nResolves with a Uint32Array of 256 counts."),
    .input_name = HL_TEXT("bytes"), .input_type = HL_TEXT("Buffer | NodeJS.TypedArray | DataView | FrozenBuffer"),
    .output_type = HL_TEXT("Uint32Array"), .prepare = count_prepare,
  },
  {
    .size = sizeof(hl_kernel), .name = HL_TEXT("slug"), .summary = HL_TEXT("a title for a URL"),
    .docs = HL_TEXT("Makes a title into a part of a URL: ASCII letters and digits, in lower case, with separators between words."),
    .input_name = HL_TEXT("title"), .input_type = HL_TEXT("string"), .output_type = HL_TEXT("string"),
    .options = SLUG_OPTIONS, .option_count = 1, .option_size = sizeof(hl_option), .prepare = slug_prepare,
  },
};

static const hl_plugin PLUGIN = {
  .abi = HL_ABI, .size = sizeof(hl_plugin), .name = HL_TEXT("own-kernels-c"),
  .kernels = KERNELS, .kernel_count = 2, .kernel_size = sizeof(hl_kernel),
};

HL_EXPORT const hl_plugin *heavy_load_plugin_v1(const hl_host *given) {
  if (host != NULL && host != given) return NULL; /* of two copies of heavy-load in a process, the first has it */
  host = given;
  return &PLUGIN;
}
