import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MAX_OUTPUT_CHARS } from '../../src/domain/run-limits.ts';
import { createRunVoice } from '../../src/engine/run-voice.ts';
import { createRunMemory } from '../../src/live/run-memory.ts';
import { aTask } from '../support/rows.ts';

const speak = () => createRunVoice({ ...aTask(), attempt: 1 }, Date.now);

it('sends to a board what it has not, whatever is said between, and sends nothing twice', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('say', 'log', 'publish', 'forget')), (steps) => {
      const voice = speak();
      let memory = createRunMemory();
      let said = '';
      let lines = 0;
      const publish = () => {
        const report = voice.takeReport();
        voice.hear(memory.keep(report) ?? undefined);
        return report;
      };
      for (const [i, step] of steps.entries()) {
        if (step === 'say') {
          voice.output(`${i} `);
          said += `${i} `;
        } else if (step === 'log') {
          voice.log('info', String(i), undefined);
          lines += 1;
        } else if (step === 'forget') memory = createRunMemory();
        else publish();
      }
      // Twice: a board that has forgotten asks for the whole first.
      publish();
      publish();
      const frames = memory.read(voice.id);
      const output = frames.find((frame) => frame.event === 'output');
      const log = frames.find((frame) => frame.event === 'log');
      if (!voice.hasNews() && frames.length > 0) {
        expect(output?.event === 'output' ? output.text : '').toBe(said);
        expect(log?.event === 'log' ? log.lines.length : 0).toBe(lines);
      }
      expect(publish()).toMatchObject({ output: null, log: null });
    }),
  );
});

it('sends nothing but the question while nobody watches, and all that is kept once somebody does', () => {
  const voice = speak();
  voice.output('a');
  expect(voice.takeReport().output).toEqual({ offset: 0, text: 'a' });
  voice.hear(undefined);
  for (let i = 0; i < 3_000; i += 1) voice.output('0123456789'.repeat(10));
  voice.log('info', 'line', undefined);
  expect(voice.takeReport()).toMatchObject({ output: null, log: null });
  expect(voice.hasNews()).toBe(true);
  voice.hear({ attempt: 1, output: 0, lines: 0 });
  const { output, log, isWhole } = voice.takeReport();
  expect([output?.text.length, output?.offset, log?.lines.length, isWhole]).toEqual([
    MAX_OUTPUT_CHARS,
    300_001 - MAX_OUTPUT_CHARS,
    1,
    true,
  ]);
});

it('keeps 64 KB of a log of a gigabyte, and says how much was cut', () => {
  const voice = speak();
  const line = 'x'.repeat(10_000);
  for (let i = 0; i < 100_000; i += 1) voice.log('info', line, undefined);
  const part = voice.listUnstored();
  expect(JSON.stringify(part?.lines).length).toBeLessThanOrEqual(65_538);
  expect((part?.lines.length ?? 0) + (part?.cut ?? 0)).toBe(100_000);
  if (part) voice.noteStored(part);
  expect(voice.listUnstored()).toBeNull();
  voice.log('info', 'one more', undefined);
  expect(voice.listUnstored()).toMatchObject({ lines: [], cut: 1 });
});

it('is told once to a viewer who comes back, though most was said while nobody watched', () => {
  const voice = speak();
  const memory = createRunMemory();
  const publish = () => {
    const report = voice.takeReport();
    voice.hear(memory.keep(report) ?? undefined);
    return report.output?.text.length ?? 0;
  };
  voice.output('a'.repeat(1_000));
  expect(publish()).toBe(1_000);
  voice.hear(undefined);
  voice.output('b'.repeat(200_000));
  voice.hear({ attempt: 1, output: 1_000, lines: 0 });
  expect([publish(), publish()]).toEqual([MAX_OUTPUT_CHARS, 0]);
  // What is said at once, and is more than is kept, after a line of the log.
  voice.log('info', 'line', undefined);
  publish();
  voice.output('c'.repeat(100_000));
  expect([publish(), publish()]).toEqual([MAX_OUTPUT_CHARS, 0]);
  const [output] = memory.read(voice.id);
  expect(output).toMatchObject({
    text: 'c'.repeat(MAX_OUTPUT_CHARS),
    offset: 301_000 - MAX_OUTPUT_CHARS,
  });
});

it('shows lines once that are shown first, and stored later', () => {
  const memory = createRunMemory();
  const lines = ['a', 'b', 'c'].map((message) => ({
    at: 0,
    level: 'info' as const,
    message,
    fields: null,
  }));
  const of = (first: number, until: number) => ({
    log: { first, lines: lines.slice(first, until) },
  });
  expect(memory.append('id', 1, of(0, 2))?.log?.lines).toHaveLength(2);
  expect(memory.append('id', 1, of(0, 2))?.log).toBeNull();
  expect(memory.append('id', 1, of(0, 3))?.log).toMatchObject({
    first: 2,
    lines: [{ message: 'c' }],
  });
});
