import { memo } from 'react';
import { plainText, type Message } from '@/lib/chat-reducer';
import { formatStamp } from '@/lib/dates';
import { Markdown } from '@/lib/markdown';
import { CopyButton } from '../copy-button';
import { ToolCard } from './tool-card';

const endings = {
  stopped: 'Stopped.',
  cut: 'The connection was lost here.',
  error: 'The reply ended with an error.',
  empty: 'The assistant said nothing.',
};

type Props = { message: Message; now: Date | null; streaming: boolean };

export const MessageItem = memo(function MessageItem({ message, now, streaming }: Props) {
  const isUser = message.role === 'user';
  const content = plainText(message);
  return (
    <article className={`message message-${message.role}`}>
      <h3 className="visually-hidden">{isUser ? 'You' : 'Assistant'}</h3>
      <div className="message-body">
        {message.parts.map((part, index) => {
          if (part.type === 'tool') return <ToolCard key={`${part.id}-${index}`} part={part} />;
          return isUser ? (
            <p key={index} className="message-text" dir="auto">
              {part.text}
            </p>
          ) : (
            <Markdown key={index} source={part.text} />
          );
        })}
        {message.ended !== undefined && <p className="message-ending">{endings[message.ended]}</p>}
      </div>
      {!streaming && (
        <div className="message-foot">
          {message.createdAt !== null && now !== null && (
            <time dateTime={message.createdAt}>{formatStamp(message.createdAt, now)}</time>
          )}
          {!isUser && content !== '' && <CopyButton text={content} label="Copy" />}
        </div>
      )}
    </article>
  );
});
