import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Api, Refused } from './api.mts';

/** Logs in as an admin; undefined when the password is unknown or has been changed. */
export async function adminLogin(api: Api): Promise<Api | undefined> {
  const username = process.env.ADMIN_EMAIL || 'admin';
  const password = process.env.ADMIN_PASSWORD || (await generatedPassword());
  if (!password) return undefined;
  try {
    const { access_token } = await api.post('auth/login', { username, password });
    return api.as(access_token);
  } catch (error) {
    if (error instanceof Refused && error.status === 401) return undefined;
    throw error;
  }
}

const generatedPassword = () =>
  readFile(join(process.env.DATA_DIR || '.data', 'admin-password'), 'utf8').catch(() => undefined);
