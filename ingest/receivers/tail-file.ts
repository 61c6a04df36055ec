// Follows files line by line through rotation and truncation, and goes on after a restart where the intake had acknowledged.

import { type FSWatcher, watch } from 'node:fs';
import { glob, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { RawRecord } from '../source.ts';
import {
  type FollowedFile,
  inodeOf,
  isSameContent,
  newGeneration,
  openFollowed,
  refreshFingerprint,
} from './followed-file.ts';
import { handOver, type Receiver, type ReceiverOptions } from './receiver.ts';
import { splitLines } from './split-lines.ts';
import { loadCheckpoints, saveCheckpoints, type TailCheckpoint } from './tail-checkpoint.ts';

export interface TailOptions extends ReceiverOptions {
  /** Paths; `*` stands for anything but `/`. */
  readonly paths: readonly string[];
  /** Where the positions are kept; its folder must exist. */
  readonly checkpoint_file: string;
  /** Where files begin that are there at the first start; files that come later are read from their beginning. */
  readonly from?: 'beginning' | 'end';
  readonly poll_interval_ms?: number;
  /** How long a rotated file is still followed after its last growth: its writer may keep it open. */
  readonly rotated_grace_ms?: number;
}

const READ_BYTES = 256 * 1024;
const BATCH_RECORDS = 1_000;
/** Positions kept of files that are gone, so that one that comes back is not read twice. */
const REMEMBERED_FILES = 1_024;

/**
 * Starts to follow. Reading stops while the intake is behind; nothing is lost by that, only late. A line
 * without an end waits for it; at the end of a rotated file it is taken as it is.
 * @throws PicketError TAIL_CHECKPOINT when the positions cannot be read
 */
export async function startTailReceiver(options: TailOptions): Promise<Receiver> {
  const { clock } = options;
  const interval_ms = options.poll_interval_ms ?? 1_000;
  const grace_ms = options.rotated_grace_ms ?? 5_000;
  const ending = new AbortController();
  const { signal } = ending;
  const checkpoints = new Map<string, TailCheckpoint>();
  for (const checkpoint of await loadCheckpoints(options.checkpoint_file)) {
    checkpoints.set(checkpoint.inode, checkpoint);
  }
  const files = new Map<string, FollowedFile>();
  const watchers = new Map<string, FSWatcher>();
  const folders = new Set<string>();
  const isFirstStart = checkpoints.size === 0;
  let firstScan = true;
  let wake: (() => void) | undefined;

  async function save(): Promise<void> {
    for (const file of files.values()) {
      checkpoints.delete(file.inode);
      checkpoints.set(file.inode, file.checkpoint);
    }
    for (const inode of checkpoints.keys()) {
      if (checkpoints.size <= REMEMBERED_FILES) break;
      if (!files.has(inode)) checkpoints.delete(inode);
    }
    await saveCheckpoints(options.checkpoint_file, [...checkpoints.values()]);
  }

  /** Finds what the paths name now; opens what is new and marks what lost its name. */
  async function scan(): Promise<void> {
    const named = new Set<string>();
    let changed = false;
    for (const pattern of options.paths) {
      for await (const path of glob(pattern)) {
        const folder = dirname(path);
        folders.add(folder);
        if (!watchers.has(folder)) watchFolder(folder);
        try {
          const about = await stat(path, { bigint: true });
          if (!about.isFile()) continue;
          let inode = `${about.dev}:${about.ino}`;
          if (!files.has(inode)) {
            const from = firstScan && isFirstStart ? (options.from ?? 'beginning') : 'beginning';
            const file = await openFollowed({ path, from, known: (key) => checkpoints.get(key) });
            ({ inode } = file);
            if (files.has(inode)) await file.handle.close();
            else {
              files.set(inode, file);
              changed = true;
            }
          }
          named.add(inode);
          const file = files.get(inode);
          if (file) Object.assign(file, { path, goneSince: undefined });
        } catch (error) {
          // Gone between the listing and the opening: the next scan sees what took its place.
          if ((error as { code?: unknown }).code !== 'ENOENT') options.onError?.(error);
        }
      }
    }
    if (firstScan && !isFirstStart) changed = (await findRenamed()) || changed;
    for (const file of files.values()) {
      if (!named.has(file.inode)) file.goneSince ??= clock.now();
    }
    firstScan = false;
    // A generation must be on disk before a record carries it: else a crash would name the same line anew.
    if (changed) await save();
  }

  /** Files that were rotated away while nothing followed them: their rest is still to be read. */
  async function findRenamed(): Promise<boolean> {
    let found = false;
    // Also of paths that name nothing now: the file may have been rotated away and not yet made again.
    for (const pattern of options.paths) {
      for await (const folder of glob(dirname(pattern))) folders.add(folder);
    }
    for (const folder of folders) {
      for (const name of await readdir(folder)) {
        const path = join(folder, name);
        try {
          const about = await stat(path, { bigint: true });
          const inode = `${about.dev}:${about.ino}`;
          const known = checkpoints.get(inode);
          if (!about.isFile() || files.has(inode) || !known || Number(about.size) <= known.offset) continue;
          const file = await openFollowed({ path, from: 'end', known: () => known });
          // Another file in a freed inode has a generation of its own: it is none of ours.
          if (file.checkpoint !== known) await file.handle.close();
          else {
            files.set(inode, file);
            found = true;
          }
        } catch (error) {
          if ((error as { code?: unknown }).code !== 'ENOENT') options.onError?.(error);
        }
      }
    }
    return found;
  }

  function watchFolder(folder: string): void {
    try {
      const watcher = watch(folder, () => wake?.());
      watcher.on('error', () => {});
      watcher.unref();
      watchers.set(folder, watcher);
    } catch {
      // Watching only makes it quicker; the poll is what finds everything.
    }
  }

  /** Reads a file to its present end. */
  async function drain(file: FollowedFile): Promise<void> {
    const { size, modified } = await inodeOf(file.handle);
    if (size === file.size && modified === file.modified && size === file.checkpoint.offset) return;
    if (!(await isSameContent(file.handle, file.checkpoint, size))) {
      file.checkpoint = newGeneration(file.inode);
      await save();
    }
    if (size !== file.size && file.goneSince !== undefined) file.goneSince = clock.now();
    Object.assign(file, { size, modified });
    let window = READ_BYTES;
    while (!signal.aborted) {
      const { offset, skipping, generation } = file.checkpoint;
      const buffer = Buffer.allocUnsafe(window);
      const { bytesRead } = await file.handle.read(buffer, 0, window, offset);
      if (bytesRead === 0) return;
      const split = splitLines({
        bytes: buffer.subarray(0, bytesRead),
        offset,
        skipping,
        max_bytes: options.max_record_bytes,
      });
      if (split.consumed === 0) {
        if (bytesRead < window) return;
        window = Math.min(window * 4, options.max_record_bytes + READ_BYTES);
        continue;
      }
      if (!(await take(split.lines, `${file.inode}:${generation}`))) return;
      const end = offset + split.consumed;
      file.checkpoint = { ...file.checkpoint, offset: end, skipping: split.skipping };
      await refreshFingerprint(file, buffer.subarray(0, split.consumed));
      await save();
      // Truncated while its lines were taken: the next look begins it anew.
      if (!(await isSameContent(file.handle, file.checkpoint, file.checkpoint.offset))) return;
    }
  }

  async function take(
    lines: readonly { bytes: Buffer; offset: number }[],
    identity: string,
  ): Promise<boolean> {
    for (let at = 0; at < lines.length; at += BATCH_RECORDS) {
      const batch = lines.slice(at, at + BATCH_RECORDS);
      for (;;) {
        const wait = options.limiter?.take(batch.length) ?? 0;
        if (wait === 0) break;
        await clock.sleep(wait, signal).catch(() => {});
        if (signal.aborted) return false;
      }
      const received = clock.now();
      const records = batch.map(
        ({ bytes, offset }): RawRecord => ({ bytes, received, position: { kind: 'file', identity, offset } }),
      );
      if (!(await handOver(options, records, signal))) return false;
    }
    return true;
  }

  /** The unfinished last line of a file that no one writes any more. */
  async function finish(file: FollowedFile): Promise<void> {
    const { offset, skipping, generation } = file.checkpoint;
    const { size } = await inodeOf(file.handle);
    const buffer = Buffer.alloc(Math.min(Math.max(0, size - offset), options.max_record_bytes + 1));
    const { bytesRead } = await file.handle.read(buffer, 0, buffer.length, offset);
    if (bytesRead > 0 && !skipping) {
      const lines = [{ bytes: buffer.subarray(0, bytesRead), offset }];
      if (!(await take(lines, `${file.inode}:${generation}`))) return;
      file.checkpoint = { ...file.checkpoint, offset: size };
      await save();
    }
    files.delete(file.inode);
    await file.handle.close();
  }

  async function pass(): Promise<void> {
    // Rotated files first: their lines are older than those of what took their place.
    await scan();
    const ordered = [...files.values()].sort((a, b) => (a.goneSince ?? Infinity) - (b.goneSince ?? Infinity));
    for (const file of ordered) {
      if (signal.aborted) return;
      try {
        await drain(file);
        if (file.goneSince !== undefined && clock.now() - file.goneSince >= grace_ms) await finish(file);
      } catch (error) {
        options.onError?.(error);
      }
    }
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      try {
        await pass();
      } catch (error) {
        options.onError?.(error);
      }
      if (signal.aborted) break;
      const timer = new AbortController();
      await Promise.race([
        woken,
        clock.sleep(interval_ms, AbortSignal.any([signal, timer.signal])).catch(() => {}),
      ]);
      timer.abort();
    }
  }

  const running = run();
  return {
    async close() {
      ending.abort();
      wake?.();
      await running;
      for (const watcher of watchers.values()) watcher.close();
      for (const file of files.values()) await file.handle.close();
    },
  };
}
