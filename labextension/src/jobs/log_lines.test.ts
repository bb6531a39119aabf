import { describe, expect, it } from 'vitest';

import { LogLines, linesWith, overwritten } from './log_lines';

const lines = () => new LogLines(left => ` … ${left} more`);

describe('lines of a log', () => {
  it('are left out at the front where too many come at once', () => {
    const { whole, isCut } = lines().append('y\n'.repeat(100_000) + 'end\n');
    expect([whole.length, whole.at(-1), isCut]).toEqual([20_000, 'end', true]);
  });

  it('are whole at their end, and one may be open', () => {
    const log = lines();
    expect(log.append('a\nb')).toEqual({ whole: ['a'], open: 'b', isCut: false });
    expect(log.append('c\n')).toEqual({ whole: ['bc'], open: null, isCut: false });
  });

  it('never hold markup of the log', () => {
    const { whole, open } = lines().append('<img src=x onerror=alert(1)>\n<script>');
    expect(whole[0]).not.toContain('<img');
    expect(open).toBe('&lt;script&gt;');
  });

  it('never hold a link that the log asks for', () => {
    const { whole } = lines().append('\x1b]8;;javascript:alert(1)\x07click\x1b]8;;\x07\n');
    expect(whole[0]).toBe('click');
  });

  it('have colours as classes, also over several lines', () => {
    const { whole } = lines().append('\x1b[31mred\nstill\x1b[0m not\n');
    expect(whole[0]).toContain('ansi-red-fg');
    expect(whole[1]).toContain('ansi-red-fg');
    expect(whole[1]).toMatch(/ not$/);
  });

  it('show the end of a progress bar', () => {
    expect(overwritten('10%\r50%\r100%')).toBe('100%');
    expect(lines().append('10%\r50%\r\n').whole).toEqual(['50%']);
  });

  it('leave out what moves the cursor', () => {
    expect(lines().append('\x1b[2K\x1b[1Aup\x1b[?25l').open).toBe('up');
  });

  it('are cut when they are too long to show, and say so', () => {
    expect(lines().append(`${'x'.repeat(20_005)}\n`).whole[0]).toMatch(/x … 5 more$/);
  });

  it('are found by a text, case ignored', () => {
    expect(linesWith(['An Error', 'fine', 'ERROR'], 'error')).toEqual([0, 2]);
    expect(linesWith(['a'], '')).toEqual([]);
  });
});

it('a line that is still being written has its colours, and they go on when it is longer', () => {
  const log = lines();
  expect(log.append('\x1b[32mgre').open).toContain('ansi-green-fg');
  expect(log.append('en\nnext').whole[0]).toContain('>green<');
  expect(log.append('\x1b[0m\nplain\n').whole[1]).toBe('plain');
});

it('a progress bar of an hour costs no more than its last part', () => {
  const log = lines();
  for (let at = 0; at < 1000; at += 1) {
    log.append(`\r${at}% ${'#'.repeat(100)}`);
  }
  expect(JSON.stringify(log).length).toBeLessThan(500);
  expect(log.append('\n').whole[0]).toMatch(/^999%/);
});
