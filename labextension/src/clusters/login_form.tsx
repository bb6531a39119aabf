/**
 * Sign in to a cluster: address, keys, and who one is there. The fields keep themselves (nothing that is typed is
 * held elsewhere), those of keys are never filled in, and all of them go with the form.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { ProfileRequest, ProfileView } from '../generated';
import { placed, requestOf, type LoginField, type Placed } from './login_model';
import { sentence } from '../words';

/** The server's own name for what nobody named. */
const USUAL = 'default';

/** What the form is told. */
export interface LoginFormProps {
  /** The profile that is changed; none: one more is made. */
  profile?: ProfileView;
  /** The name on offer. */
  name: string;
  trans: TranslationBundle;
  /** Keep it; throws what the server answers. */
  onSubmit(name: string, request: Partial<ProfileRequest>): Promise<void>;
  onCancel(): void;
}

/** See the head of this file. */
export function LoginForm(props: LoginFormProps): JSX.Element {
  const { profile, trans } = props;
  const form = React.useRef<HTMLFormElement>(null);
  const [mode, setMode] = React.useState<'api' | 'session'>(profile?.mode ?? 'api');
  const [problem, setProblem] = React.useState<Placed | null>(null);
  const [isBusy, setBusy] = React.useState(false);
  const isHere = React.useRef(true);
  React.useEffect(() => () => void (isHere.current = false), []);
  React.useEffect(() => focus(form.current, profile ? 'user' : 'endpoint'), []);
  React.useEffect(() => focus(form.current, problem?.field ?? null), [problem]);
  const submit = async (event: React.FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const { name, request } = requestOf(new FormData(event.currentTarget));
    setProblem(null);
    setBusy(true);
    try {
      await props.onSubmit(profile?.name ?? name, request);
    } catch (error) {
      if (isHere.current) {
        setProblem(placed(error, trans));
      }
    } finally {
      if (isHere.current) {
        setBusy(false);
      }
    }
  };
  const context: FieldContext = { problem, usual: profile, isBusy };
  return (
    <form
      ref={form}
      className="ft-Login"
      autoComplete="off"
      aria-label={trans.__('Sign in to a Backend.AI cluster')}
      onSubmit={event => void submit(event)}
    >
      {problem && problem.field === null && (
        <p className="ft-Login-problem" role="alert">
          {sentence(problem.trouble)}
        </p>
      )}
      <Way mode={mode} trans={trans} onChange={setMode} />
      <Keys mode={mode} context={context} trans={trans} />
      <Place name={profile?.name ?? props.name} context={context} trans={trans} />
      <More context={context} trans={trans} />
      <label className="ft-Login-check">
        <input type="checkbox" name="check" defaultChecked />
        {trans.__('Ask the cluster before anything is kept')}
      </label>
      <div className="ft-Login-buttons">
        <span role="status">{isBusy && trans.__('Asking the cluster…')}</span>
        <button type="button" className="jp-mod-styled jp-mod-reject" onClick={props.onCancel}>
          {trans.__('Cancel')}
        </button>
        <button type="submit" className="jp-mod-styled jp-mod-accept" disabled={isBusy}>
          {trans.__('Sign in')}
        </button>
      </div>
    </form>
  );
}

interface FieldContext {
  problem: Placed | null;
  usual?: ProfileView;
  isBusy: boolean;
}

function Way(props: {
  mode: 'api' | 'session';
  trans: TranslationBundle;
  onChange(mode: 'api' | 'session'): void;
}): JSX.Element {
  const { trans } = props;
  const ways = { api: trans.__('Access key'), session: trans.__('E-mail and password') };
  return (
    <fieldset className="ft-Login-way">
      <legend>{trans.__('Sign in with')}</legend>
      {(['api', 'session'] as const).map(mode => (
        <label key={mode}>
          <input
            type="radio"
            name="mode"
            value={mode}
            checked={props.mode === mode}
            onChange={() => props.onChange(mode)}
          />
          {ways[mode]}
        </label>
      ))}
    </fieldset>
  );
}

function Keys(props: {
  mode: 'api' | 'session';
  context: FieldContext;
  trans: TranslationBundle;
}): JSX.Element {
  const { mode, context, trans } = props;
  const isApi = mode === 'api';
  return (
    <>
      <Field
        name="endpoint"
        label={isApi ? trans.__('Address of the manager') : trans.__('Address of the web server')}
        placeholder={isApi ? 'https://api.backend.example.org:8090' : 'https://cloud.example.org'}
        type="url"
        initial={context.usual?.endpoint}
        isRequired
        context={context}
      />
      <Field
        key={`user ${mode}`}
        name="user"
        label={isApi ? trans.__('Access key') : trans.__('E-mail')}
        type={isApi ? 'password' : 'email'}
        isRequired={!context.usual}
        placeholder={isApi && context.usual?.key ? trans.__('as it is: %1', context.usual.key) : undefined}
        context={context}
      />
      <Field
        key={`secret ${mode}`}
        name="secret"
        label={isApi ? trans.__('Secret key') : trans.__('Password')}
        type="password"
        isRequired={!context.usual}
        placeholder={context.usual ? trans.__('as it is') : undefined}
        context={context}
      />
    </>
  );
}

function Place(props: { name: string; context: FieldContext; trans: TranslationBundle }): JSX.Element {
  const { context, trans } = props;
  return (
    <div className="ft-Login-row">
      <Field
        name="name"
        label={trans.__('Name of this profile')}
        initial={props.name}
        isRequired
        isFixed={Boolean(context.usual)}
        context={context}
      />
      <Field
        name="domain"
        label={trans.__('Domain')}
        initial={context.usual?.domain}
        placeholder={USUAL}
        context={context}
      />
      <Field
        name="project"
        label={trans.__('Project')}
        initial={context.usual?.project}
        placeholder={USUAL}
        context={context}
      />
    </div>
  );
}

function More({ context, trans }: { context: FieldContext; trans: TranslationBundle }): JSX.Element {
  const { usual, problem } = context;
  const isHere = ['resource_group', 'folder_host', 'proxy'].includes(problem?.field ?? '');
  const [isOpen, setOpen] = React.useState(false);
  return (
    <details
      className="ft-Login-more"
      open={isOpen || isHere}
      onToggle={event => setOpen(event.currentTarget.open)}
    >
      <summary>{trans.__('More')}</summary>
      <div className="ft-Login-row">
        <Field
          name="resource_group"
          label={trans.__('Resource group, for tasks that name none')}
          initial={usual?.resource_group ?? ''}
          context={context}
        />
        <Field
          name="folder_host"
          label={trans.__('Host of new vfolders')}
          initial={usual?.folder_host ?? ''}
          context={context}
        />
      </div>
      <Field
        name="proxy"
        label={trans.__('HTTP proxy')}
        placeholder="http://proxy.example.org:3128"
        initial={usual?.proxy ?? ''}
        context={context}
      />
      <label className="ft-Login-check">
        <input type="checkbox" name="verify_tls" defaultChecked={usual?.verify_tls ?? true} />
        {trans.__('Check the cluster’s certificate')}
      </label>
    </details>
  );
}

function Field(props: {
  name: LoginField;
  label: string;
  type?: 'text' | 'url' | 'email' | 'password';
  initial?: string;
  placeholder?: string;
  isRequired?: boolean;
  isFixed?: boolean;
  context: FieldContext;
}): JSX.Element {
  const { name, context } = props;
  const id = React.useId();
  const trouble = context.problem?.field === name ? context.problem.trouble : null;
  return (
    <label className="ft-Login-field">
      <span>{props.label}</span>
      <input
        className="jp-mod-styled"
        name={name}
        type={props.type === 'url' ? 'text' : (props.type ?? 'text')}
        inputMode={props.type === 'url' ? 'url' : undefined}
        defaultValue={props.initial}
        placeholder={props.placeholder}
        required={props.isRequired}
        readOnly={props.isFixed || context.isBusy}
        spellCheck={false}
        autoCapitalize="off"
        autoComplete={props.type === 'password' ? 'new-password' : 'off'}
        aria-invalid={trouble ? true : undefined}
        aria-describedby={trouble ? id : undefined}
      />
      {trouble && (
        <span id={id} className="ft-Login-problem" role="alert">
          {sentence(trouble)}
        </span>
      )}
    </label>
  );
}

function focus(form: HTMLFormElement | null, field: LoginField | null): void {
  if (field) {
    form?.querySelector<HTMLElement>(`[name="${field}"]`)?.focus();
  }
}
