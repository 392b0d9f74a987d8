import { cookies } from 'next/headers';
import type { Theme } from '@/components/theme-toggle';

export const readTheme = async (): Promise<Theme> => {
  const value = (await cookies()).get('theme')?.value;
  return value === 'light' || value === 'dark' ? value : 'system';
};
