import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it, vi } from 'vitest';

import type { Problem } from '../generated';
import { importPipeline, textIn, type ImportTools } from './importing';

const trans = nullTranslator.load('');

/** Tools over a workspace with `text` in the file `old.yaml`, and a server that finds `problems`. */
function toolsFor(text: string, problems: Partial<Problem>[] = []) {
  const get = vi.fn((path: string) =>
    Promise.resolve(path === 'old.yaml' ? { content: text } : { content: [{ name: 'mnist.fasttrack.yaml' }] })
  );
  const save = vi.fn(() => Promise.resolve({}));
  const send = vi.fn(() =>
    Promise.resolve({ valid: problems.length === 0, pipeline: 'mnist', tasks: 1, problems })
  );
  const files = { get, save, newUntitled: vi.fn() } as unknown as ImportTools['files'];
  return { tools: { api: { send } as unknown as ImportTools['api'], files, trans }, save };
}

/** Close the dialog as soon as it is there; its words. */
async function dismissed(): Promise<string> {
  const dialog = await vi.waitFor(() => {
    const found = document.querySelector('.jp-Dialog');
    if (!found?.querySelector('button')) {
      throw new Error('no dialog');
    }
    return found;
  });
  const words = dialog.textContent ?? '';
  dialog.querySelector<HTMLElement>('.jp-mod-accept')?.click();
  return words;
}

describe('importing a pipeline', () => {
  it.each(['fasttrack-22.09', 'fasttrack-25.15', 'fasttrack-26.4'])(
    'brings %s in as it is, beside what has its name',
    async name => {
      const text = readFileSync(join(import.meta.dirname, '../../../tests/data', `${name}.yaml`), 'utf-8');
      const { tools, save } = toolsFor(text);
      expect(await importPipeline(tools, 'work', 'old.yaml')).toBe('work/mnist-2.fasttrack.yaml');
      expect(save).toHaveBeenCalledWith('work/mnist-2.fasttrack.yaml', {
        type: 'file',
        format: 'text',
        content: text
      });
    }
  );

  it('tells every error of a broken file, and writes nothing', async () => {
    const { tools, save } = toolsFor('tasks: [', [
      { severity: 'error', message: 'the list has no end', hint: 'write ]', line: 1 },
      { severity: 'warning', message: 'it is short', hint: '', line: 1 },
      { severity: 'error', message: '<img src=x onerror=alert(1)>', hint: '', line: 0 }
    ]);
    const importing = importPipeline(tools, 'work', 'old.yaml');
    const words = await dismissed();
    expect(await importing).toBeNull();
    expect(words).toContain('2 problems');
    expect(words).toMatch(/Line 1: .*the list has no end/i);
    expect(words).toContain('<img src=x');
    expect(words).not.toContain('it is short');
    expect(save).not.toHaveBeenCalled();
  });

  it('says that nothing was chosen', async () => {
    const { tools } = toolsFor('');
    const importing = importPipeline(tools, 'work');
    const refused = expect(importing).rejects.toThrow(/choose a file/);
    await dismissed();
    await refused;
  });

  it('takes no file whose letters would be lost', () => {
    const bytes = (...values: number[]) => new Uint8Array(values).buffer;
    expect(textIn(bytes(0xed, 0x9b, 0x88))).toBe('훈');
    expect(textIn(bytes(0xef, 0xbb, 0xbf, 0x61))).toBe('a');
    expect(textIn(bytes(0xc8, 0xc6, 0xb7, 0xc3))).toBeNull();
  });
});
