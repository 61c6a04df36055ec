// Where what lies in the scanner's memory: the one list that the WebAssembly and the TypeScript side both read.

/** Signed 32-bit words of the control block; byte address = CONTROL + 4 × word. */
export const CONTROL = 1024;
export const END = 0;
export const RESULT_COUNT = 1;
export const PENDING_COUNT = 2;
/** Addresses of the work areas and tables, written once by the TypeScript side. */
export const RESULTS = 5;
export const PENDING = 6;
export const ROOT = 8;
export const SCRATCH = 10;
export const HITS = 11;
export const UNIT_STAMPS = 12;
export const SIGNALS = 13;
export const SIGNAL_COUNT = 14;
export const MEMO_SLOTS = 15;
export const MEMO_ENTRIES = 16;
export const MEMO_BYTES = 17;
export const MEMO_UNITS = 18;
export const EVENT_UNITS = 19;
/** Rises each time the memory of values is emptied: ids of signals are then new. */
export const GENERATION = 20;
export const LEARNED_KEY = 21;
export const LEARNED_KEY_LENGTH = 22;
export const LEARNED_NODE = 23;
export const KEY_STAMPS = 24;
/** 1 when the signals are those of the line told before, 2 when ids were forgotten since. */
export const SAME_SIGNALS = 25;

/** Most of each in one event; beyond, the event is left to the TypeScript side. */
export const MAX_RESULTS = 4_096;
export const MAX_PENDING = 1_024;
export const MAX_HITS = 16_384;
export const MAX_DEPTH = 60;

/** The memory of values: entries, their bytes, and the units that they make true. All is forgotten when one is full. */
export const MEMO_SLOT_COUNT = 65_536;
export const MEMO_MAX_ENTRIES = 24_576;
export const MEMO_ENTRY_BYTES = 20;
export const MEMO_BYTES_SIZE = 2_097_152;
export const MEMO_UNITS_SIZE = 2_097_152;
export const EVENT_UNITS_SIZE = 524_288;
/** Longer values are looked at anew each time. */
export const MEMO_MAX_TEXT = 1_024;

/** Hashes of an object's keys, to see one twice: a power of two. */
export const KEY_STAMP_COUNT = 8_192;

/** A field: the keys under it, what is asked of its values. Words of 32 bits. */
export const NODE_KEYS = 0;
export const NODE_KEYS_MASK = 4;
export const NODE_MATCHER = 8;
export const NODE_EXISTS = 12;
/** Place among the signals of routing, from 1. */
export const NODE_SIGNAL = 16;
/** 1: an event that has this field is left to the TypeScript side; 2: fields with dots lie under it;
 * 4: a signal inside of an object, which the first of a list may say. */
export const NODE_FLAGS = 20;
export const NODE_ID = 28;
/** Pieces of the field's patterns, to be looked for in the value as it is written; 0 where some pattern has none. */
export const NODE_PIECES = 32;
/** How often a value was looked for and how often remembered, and for how many more values nothing is remembered. */
export const NODE_TRIES = 36;
export const NODE_FOUND = 40;
export const NODE_FORGETFUL = 44;
export const NODE_BYTES = 48;

/** After so many values of which fewer than one in eight were remembered, so many more are looked at anew. */
export const MEMO_TRIAL = 512;
export const MEMO_PAUSE = 16_384;

/** One key under a field, in an open-addressed table; length -1 marks a free place. */
export const KEY_HASH = 0;
export const KEY_LENGTH = 4;
export const KEY_TEXT = 8;
export const KEY_NODE = 12;
/** The object in which it was met last. */
export const KEY_SEEN = 16;
export const KEY_BYTES = 20;

/** All patterns asked of one field. */
export const MATCHER_GRAMS = 0;
export const MATCHER_GRAMS_SHIFT = 4;
export const MATCHER_HEADS = 8;
export const MATCHER_HEADS_SHIFT = 12;
/** Patterns of two and three bytes: a bit for each pair of bytes, and chains. */
export const MATCHER_PAIRS = 20;
export const MATCHER_PAIR_HEADS = 24;
export const MATCHER_SINGLES = 28;
export const MATCHER_ANCHORS = 32;
export const MATCHER_ANCHORS_MASK = 36;
/** Bit L: some prefix (suffix) of L bytes, or of 8 and more. */
export const MATCHER_PREFIX_LENGTHS = 40;
export const MATCHER_SUFFIX_LENGTHS = 44;
/** 1: asks for whole texts; 2: asks for numbers; 4: asks for texts outside ASCII. */
export const MATCHER_FLAGS = 48;
/** Grams are looked for at every so many bytes. */
export const MATCHER_STRIDE = 52;
/** Short pieces of keywords: masks of the nibbles of three bytes, and chains by those bytes. */
export const MATCHER_NIBBLES = 56;
export const MATCHER_NIBBLE_HEADS = 60;
/** Bits of the hashes of anchored patterns, ANCHOR_BITS of them. */
export const MATCHER_ANCHOR_BITS = 64;
export const MATCHER_BYTES = 68;

export const ANCHOR_BITS = 32_768;

/** One pattern: the next of its chain, its bytes in lower case, the units it makes true. */
export const PATTERN_NEXT = 0;
export const PATTERN_KIND = 4;
export const PATTERN_LENGTH = 8;
export const PATTERN_TEXT = 12;
export const PATTERN_OFFSET = 16;
export const PATTERN_UNITS = 20;
export const PATTERN_STAMP = 24;
export const PATTERN_BYTES = 28;

export const KIND_CONTAINS = 0;
export const KIND_EXACT = 1;
export const KIND_PREFIX = 2;
export const KIND_SUFFIX = 3;

/** Multiplier of the gram hashes (2^32 divided by the golden ratio). */
export const GOLDEN = 0x9e3779b1;
