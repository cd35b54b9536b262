import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

// What Linux tells of processes: https://man7.org/linux/man-pages/man5/proc.5.html

export interface Process {
  pid: number;
  command: string;
}

interface Stat extends Process {
  parent: number;
  /** CPU of its threads and of its children that have ended, in ticks. */
  ticks: number;
}

/** `getconf CLK_TCK`, the same on every Linux that runs Node. */
const MS_PER_TICK = 10;

const readStat = (pid: string): Stat[] => {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const sum = [11, 12, 13, 14].reduce((all, place) => all + Number(fields[place]), 0);
    const command = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'));
    return [{ pid: Number(pid), command, parent: Number(fields[1]), ticks: sum }];
  } catch {
    return []; // It ended meanwhile.
  }
};

const readTree = (roots: readonly number[]): Stat[] => {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap(readStat);
  const found = all.filter(({ pid }) => roots.includes(pid));
  for (const { pid } of found) found.push(...all.filter(({ parent }) => parent === pid));
  return found;
};

/** These processes and all below them. */
export const listTree = (roots: readonly number[]): Process[] => readTree(roots);

/** Milliseconds of CPU that they and all below them have used. */
export const readCpuMs = (roots: readonly number[]): number =>
  readTree(roots).reduce((sum, { ticks }) => sum + ticks, 0) * MS_PER_TICK;

const readKb = (path: string, name: string): number => {
  try {
    return Number(
      new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(path, 'utf8'))?.[1] ?? 0,
    );
  } catch {
    return 0;
  }
};

/** Megabytes that these processes hold. */
export const readResidentMb = (processes: readonly Process[]): number =>
  Math.round(
    processes.reduce((sum, { pid }) => sum + readKb(`/proc/${pid}/status`, 'VmRSS'), 0) / 1_024,
  );

/** Megabytes that these and all below them hold, with what they share counted once. */
export const readMemoryMb = (roots: readonly number[]): number =>
  Math.round(
    listTree(roots).reduce((sum, { pid }) => sum + readKb(`/proc/${pid}/smaps_rollup`, 'Pss'), 0) /
      1_024,
  );

/**
 * Lets these, with all of their threads, run on these cores alone (`0`, `0-1`), and all below them
 * unless told not to.
 */
export const pinTo = (cores: string, roots: readonly number[], isTree = true): void => {
  const pids = isTree ? listTree(roots).map(({ pid }) => pid) : roots;
  for (const pid of pids) {
    const { status, stderr } = spawnSync('taskset', ['-a', '-c', '-p', cores, String(pid)], {
      encoding: 'utf8',
    });
    if (status !== 0 && !/No such process/.test(stderr)) throw new Error(`taskset: ${stderr}`);
  }
};
