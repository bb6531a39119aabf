/** Help where it is read without a mouse: a strip at the foot that says what the field in focus means. */
import * as React from 'react';

/**
 * Scrolls `children` above a strip of a fixed height, so that nothing moves under a click. A field says its words in
 * `data-label` and `data-help`; `usual` stands there while no field with words has the focus.
 */
export function HelpScope(props: { usual: string; children: React.ReactNode }): JSX.Element {
  const [help, setHelp] = React.useState<{ label: string; words: string } | null>(null);
  const onFocus = (event: React.FocusEvent): void => {
    const { label = '', help: words = '' } =
      (event.target as HTMLElement).closest<HTMLElement>('[data-help]')?.dataset ?? {};
    setHelp(words ? { label, words } : null);
  };
  return (
    <>
      <div className="ft-Properties-scroll" onFocus={onFocus} onBlur={() => setHelp(null)}>
        {props.children}
      </div>
      <p className="ft-Properties-help" title={help?.words} aria-hidden="true">
        <span>
          {help && <b>{help.label}</b>} {help?.words ?? props.usual}
        </span>
      </p>
    </>
  );
}
