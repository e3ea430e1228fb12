// What is known of the items of a profile: a sentence each, by name.
import type { Item, Module } from './profile_items.ts';

/** Template arguments are left away. */
const SENTENCES: Readonly<Record<string, string>> = {
  'copy from the page cache':
    'the capture is read by system calls, and the kernel copies every byte of it once, payloads too.',
  'page faults': 'memory that is touched for the first time: the flow table as it grows, buffers, Node itself.',
  writes: 'encoded lines that are handed to the kernel.',
  'other work: scheduling, locks, start and exit':
    'the process coming and going, and threads that wait for each other.',
  'start-up, and calls from JavaScript':
    'Node starting, once for the main thread and once for each worker, and what JavaScript calls of it.',
  'compiling JavaScript':
    'V8 making machine code of what runs often, on threads of its own: so much a run, not a packet.',
  'running JavaScript': 'loading modules, then some calls for each chunk and window; none for a packet or an entry.',
  'garbage collection': 'of what JavaScript makes for chunks and windows; nothing is made for a packet or an entry.',
  'FileReader::read':
    'records become packets with a key, and go to the streams of the shards: most of it is the first look at each record.',
  'Shard::fold':
    'a packet finds its slot in the flow table, or a new one, and is counted: a cache miss in the index and one in the slots where flows are many.',
  'FlowTable::fill_rows': 'the flows of a window that closes become rows, in the order of their first packets.',
  'JsonEncoder::line': 'an entry becomes a line of text.',
  'EntryText::number': 'numbers of an entry become digits.',
};

/** Where nothing is known of the item itself, what is so of all of its module. */
const OF_MODULE: Readonly<Record<Module, string>> = {
  kernel: 'time that the kernel took on behalf of the process.',
  'native core': 'a function of the native core, with what the compiler inlined into it.',
  libraries: 'a function of the C or C++ library, called by Node and by the native core alike.',
  'Node, V8': 'a part of Node.',
};

export function sentenceOf({ name, module }: Item): string {
  return SENTENCES[name.replace(/<.*/, '')] ?? OF_MODULE[module];
}
