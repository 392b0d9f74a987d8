import type { Metadata } from 'next';
import { AuthPage } from '@/components/auth-page';

export const metadata: Metadata = { title: 'Sign in' };

type Props = { searchParams: Promise<{ next?: string | string[]; expired?: string | string[] }> };

const SignInPage = async ({ searchParams }: Props) => <AuthPage mode="sign-in" {...await searchParams} />;

export default SignInPage;
