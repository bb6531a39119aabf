import * as React from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, expect, it, vi } from 'vitest';

import { useAnswer } from './asking';

let root: Root | undefined;

afterEach(() => {
  root?.unmount();
  root = undefined;
  document.body.replaceChildren();
});

/** Who asks, with the answers in the reader's hand. */
function asker() {
  const answers: ((value: string) => void)[] = [];
  const signals: AbortSignal[] = [];
  const ask = vi.fn(
    (signal: AbortSignal) => new Promise<string>(resolve => (signals.push(signal), answers.push(resolve)))
  );
  function View(props: { about: string; round: number; isSeen: boolean }): JSX.Element {
    const asked = useAnswer(ask, props.about, { round: props.round, isSeen: props.isSeen });
    return <p>{asked.value ?? 'nothing'}</p>;
  }
  root = createRoot(document.body.appendChild(document.createElement('div')));
  const draw = (about: string, round: number, isSeen = true): void =>
    root?.render(<View about={about} round={round} isSeen={isSeen} />);
  return { ask, answers, signals, draw };
}

const says = (text: string): Promise<void> =>
  vi.waitFor(() => expect(document.querySelector('p')?.textContent).toBe(text));

it('an answer that takes longer than the next question is shown, and what was asked meanwhile is asked once', async () => {
  const { ask, answers, draw } = asker();
  draw('a', 0);
  await vi.waitFor(() => expect(ask).toHaveBeenCalledTimes(1));
  for (const round of [1, 2, 3]) {
    draw('a', round);
    await says('nothing');
  }
  answers[0]('first');
  await says('first');
  await vi.waitFor(() => expect(ask).toHaveBeenCalledTimes(2));
  answers[1]('second');
  await says('second');
  expect(ask).toHaveBeenCalledTimes(2);
});

it('an answer about something else, or that nobody waits for any more, is dropped', async () => {
  const { ask, answers, signals, draw } = asker();
  draw('a', 0);
  await vi.waitFor(() => expect(ask).toHaveBeenCalledTimes(1));
  draw('b', 0);
  await vi.waitFor(() => expect(ask).toHaveBeenCalledTimes(2));
  expect(signals[0].aborted).toBe(true);
  answers[0]('of a');
  answers[1]('of b');
  await says('of b');
  draw('b', 1, false);
  await vi.waitFor(() => expect(signals[1].aborted).toBe(false));
  expect(ask).toHaveBeenCalledTimes(2);
  draw('b', 1);
  await vi.waitFor(() => expect(ask).toHaveBeenCalledTimes(3));
});
