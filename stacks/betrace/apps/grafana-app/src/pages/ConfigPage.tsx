import { useState, type FormEvent } from 'react';
import { css } from '@emotion/css';
import type { AppPluginMeta, PluginConfigPageProps } from '@grafana/data';
import { Alert, Button, Field, FieldSet, Input, LoadingPlaceholder, SecretInput } from '@grafana/ui';
import { testConnection, type Connection } from '../api/connection';
import { toApiError } from '../api/errors';
import { loadSettings, saveSettings, type AppSettings } from '../api/settings';
import { Failure } from '../components/Failure';
import { parseBackendUrl } from '../lib/format';
import { useLoad } from '../lib/useLoad';

export interface Settings {
  backendUrl?: string;
}

/** The settings as Grafana's server has them now: those it gave this page with may be from before the last change. */
export function ConfigPage(_: PluginConfigPageProps<AppPluginMeta<Settings>>) {
  const { data, error, reload } = useLoad('settings', loadSettings);
  if (error) {
    return <Failure title="The configuration cannot be shown" error={error} onRetry={reload} />;
  }
  return data ? <ConfigForm settings={data} /> : <LoadingPlaceholder text="Loading…" />;
}

const narrow = css({ maxWidth: 500 });

function ConfigForm({ settings }: { settings: AppSettings }) {
  const [backendUrl, setBackendUrl] = useState(settings.jsonData?.backendUrl ?? '');
  const [apiKey, setApiKey] = useState('');
  const [hasKey, setHasKey] = useState(Boolean(settings.secureJsonFields?.apiKey));
  const [busy, setBusy] = useState(false);
  const [result, setResult] = useState<Connection>();
  const parsed = parseBackendUrl(backendUrl);
  const wrong = backendUrl !== '' && 'error' in parsed ? parsed.error : undefined;

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if ('error' in parsed) {
      return;
    }
    setBusy(true);
    setResult(undefined);
    try {
      // A key that is there and was not touched is left alone: it never comes to the browser.
      await saveSettings(settings, parsed.url, hasKey ? undefined : apiKey);
      setBackendUrl(parsed.url);
      setHasKey(hasKey || apiKey !== '');
      setApiKey('');
      setResult(await testConnection());
    } catch (failure) {
      setResult({ state: 'error', title: 'The configuration was not saved', text: toApiError(failure).message });
    }
    setBusy(false);
  };

  return (
    <form onSubmit={submit} className={narrow}>
      <FieldSet label="Backend">
        <Field
          label="Address"
          htmlFor="backend-url"
          required
          description="As Grafana’s server reaches it"
          invalid={Boolean(wrong)}
          error={wrong}
        >
          <Input
            id="backend-url"
            placeholder="http://backend:12011"
            value={backendUrl}
            onChange={(event) => setBackendUrl(event.currentTarget.value)}
          />
        </Field>
        <Field
          label="API key"
          htmlFor="api-key"
          description="What the backend has as BETRACE_API_KEY; empty where it has none"
        >
          <SecretInput
            id="api-key"
            value={apiKey}
            isConfigured={hasKey}
            onChange={(event) => setApiKey(event.currentTarget.value)}
            onReset={() => setHasKey(false)}
          />
        </Field>
        <Button type="submit" icon={busy ? 'spinner' : undefined} disabled={busy || 'error' in parsed}>
          Save and test
        </Button>
      </FieldSet>
      {result && (
        <Alert severity={result.state} title={result.title}>
          {result.text}
        </Alert>
      )}
    </form>
  );
}
