/** What a task may be called: letters of any script with their marks, digits, space, `_`, `-`; 1–64 characters. */

/** The longest name, in characters. */
export const MAX_TASK_NAME = 64;

const FIT = /^[\p{L}\p{M}\p{N}_ -]+$/u;

/** Whether a task may have this name. */
export function isTaskName(name: string): boolean {
  return FIT.test(name) && [...name].length <= MAX_TASK_NAME && name === name.trim();
}

/** The nearest name that a task may have; `task` where nothing is left. */
export function suggestTaskName(name: string): string {
  const fit = [...name.normalize('NFC')].map(letter => (FIT.test(letter) ? letter : '-')).join('');
  return trimmed([...fit.replace(/-{2,}/g, '-')].slice(0, MAX_TASK_NAME).join('')) || 'task';
}

function trimmed(name: string): string {
  return name.replace(/^[ -]+|[ -]+$/g, '');
}

/** `name`, or with the first free number behind it: `train-2`. */
export function freeName(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) {
    return name;
  }
  const stem = name.replace(/-\d+$/, '');
  for (let number = 2; ; number += 1) {
    const ending = `-${number}`;
    const next = trimmed([...stem].slice(0, MAX_TASK_NAME - ending.length).join('')) + ending;
    if (!taken.has(next)) {
      return next;
    }
  }
}
