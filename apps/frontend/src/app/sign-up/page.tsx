import type { Metadata } from 'next';
import { AuthPage } from '@/components/auth-page';

export const metadata: Metadata = { title: 'Create an account' };

type Props = { searchParams: Promise<{ next?: string | string[]; expired?: string | string[] }> };

const SignUpPage = async ({ searchParams }: Props) => <AuthPage mode="sign-up" {...await searchParams} />;

export default SignUpPage;
