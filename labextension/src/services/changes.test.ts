import { Signal } from '@lumino/signaling';
import { describe, expect, it } from 'vitest';

import { HINT, type Hint } from '../hints';
import { ServiceChanges } from './changes';

describe('changes of services', () => {
  it('are each told once, whatever else is hinted at', () => {
    const hints = new Signal<object, Hint>({});
    const changes = new ServiceChanges(hints);
    const told: number[] = [];
    changes.changed.connect(() => void told.push(1));
    const hint = (services?: number, schema_id = HINT): void =>
      hints.emit({ schema_id, seq: 1, engine: 'connected', services });
    hint(2);
    hint(2);
    hint();
    hint(3, 'https://somebody/else');
    expect(told.length).toBe(1);
    hint(3);
    hint(1); // the server was started again, and counts anew
    expect(told.length).toBe(3);
  });
});
