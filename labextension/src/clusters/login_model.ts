/** The form of a sign-in as data: what is sent, and at which field an answer of the server belongs. Pure. */
import type { TranslationBundle } from '@jupyterlab/translation';

import { ApiError } from '../api';
import type { ProfileRequest, ProfileView } from '../generated';
import { type Trouble, troubleHere } from '../words';

/** Names of the fields, which are those of the request and the profile's own. */
export type LoginField = 'name' | Exclude<keyof ProfileRequest, 'keep'>;

/** Where the words of an answer stand: at a field, or on top where it is about none. */
export interface Placed {
  field: LoginField | null;
  trouble: Trouble;
}

const FIELDS: readonly LoginField[] = [
  ...(['name', 'endpoint', 'mode', 'domain', 'project', 'resource_group', 'folder_host'] as const),
  ...(['verify_tls', 'proxy', 'user', 'secret', 'check'] as const)
];
const BY_CODE: Readonly<Record<string, LoginField>> = {
  keys_refused: 'secret',
  backend_unreachable: 'endpoint'
};

/** The request that a filled form means; what was left empty is not sent, so that the server's defaults hold. */
export function requestOf(form: FormData): { name: string; request: Partial<ProfileRequest> } {
  const text = (field: LoginField) => String(form.get(field) ?? '').trim();
  const given = (['domain', 'project', 'resource_group', 'folder_host', 'proxy', 'user'] as const).filter(
    text
  );
  const secret = String(form.get('secret') ?? ''); // as it is: a password may end in a space
  return {
    name: text('name'),
    request: {
      endpoint: text('endpoint'),
      mode: text('mode') === 'session' ? 'session' : 'api',
      verify_tls: form.has('verify_tls'),
      check: form.has('check'),
      ...Object.fromEntries(given.map(field => [field, text(field)])),
      ...(secret ? { secret } : {})
    }
  };
}

/** Which field an error is about. */
export function placed(error: unknown, trans: TranslationBundle): Placed {
  const trouble = troubleHere(error, trans);
  if (!(error instanceof ApiError)) {
    return { field: null, trouble };
  }
  const { field, problems } = error.details as { field?: unknown; problems?: readonly { loc?: unknown[] }[] };
  const named = field ?? problems?.[0]?.loc?.[0] ?? BY_CODE[error.code];
  return { field: FIELDS.find(each => each === named) ?? null, trouble };
}

/** A name for one more profile: the first is the default one. */
export function freeName(profiles: readonly Pick<ProfileView, 'name'>[]): string {
  const names = new Set(profiles.map(each => each.name));
  let name = 'default';
  for (let number = 2; names.has(name); number++) {
    name = `cluster${number}`;
  }
  return name;
}
