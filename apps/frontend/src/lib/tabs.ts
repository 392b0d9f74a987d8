/** Tells the other tabs of this browser what happened in this one. */
export type TabMessage = 'tasks-changed' | 'signed-out';

// One channel object for both directions: a channel never hears itself, but hears others of its tab.
let channel: BroadcastChannel | null = null;
const getChannel = (): BroadcastChannel => (channel ??= new BroadcastChannel('todo'));

export const tellTabs = (message: TabMessage): void => getChannel().postMessage(message);

/** Calls `onMessage` for messages of other tabs; returns what ends that. */
export const onTabMessage = (onMessage: (message: TabMessage) => void): (() => void) => {
  const listen = (event: MessageEvent<TabMessage>): void => onMessage(event.data);
  const open = getChannel();
  open.addEventListener('message', listen);
  return () => open.removeEventListener('message', listen);
};
