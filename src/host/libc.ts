/**
 * The few functions of the C library that Node does not offer, called synchronously. A failed call throws with
 * the function's name and the kernel's reason.
 *
 * Never call one of koffi's asynchronous variants from here: it would run on another thread, in another namespace.
 */
import koffi from 'koffi';
import { NetlinkError } from './netlink/message.ts';

const library = koffi.load('libc.so.6');

function bind(signature: string): (...args: readonly unknown[]) => number {
  const call = library.func(signature);
  const name = /(\w+)\(/.exec(signature)?.[1] ?? signature;
  return (...args) => {
    const result: unknown = call(...args);
    const value = Number(result);
    if (value < 0) throw new SystemCallError(name, koffi.errno());
    return value;
  };
}

export class SystemCallError extends NetlinkError {
  constructor(call: string, errno: number) {
    super(errno, call);
  }
}

export const errno = koffi.os.errno;

export const libc = {
  setns: bind('int setns(int fd, int type)'),
  unshare: bind('int unshare(int flags)'),
  mount: bind('int mount(const char* from, const char* to, const char* type, ulong flags, const void* data)'),
  umount: bind('int umount2(const char* path, int flags)'),
  flock: bind('int flock(int fd, int operation)'),
  socket: bind('int socket(int domain, int type, int protocol)'),
  bind: bind('int bind(int fd, const void* address, uint32 size)'),
  listen: bind('int listen(int fd, int backlog)'),
  setOption: bind('int setsockopt(int fd, int level, int option, const void* value, uint32 length)'),
  getOption: bind('int getsockopt(int fd, int level, int option, void* value, void* length)'),
  send: bind('int64 send(int fd, const void* data, uint64 length, int flags)'),
  sendTo: bind(
    'int64 sendto(int fd, const void* data, uint64 length, int flags, const void* address, uint32 size)',
  ),
  memoryFile: bind('int memfd_create(const char* name, uint flags)'),
  close: bind('int close(int fd)'),
  receive: bind('int64 recv(int fd, void* into, uint64 length, int flags)'),
} as const;
