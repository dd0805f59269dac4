#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Whether the thread records operations. Swift keeps that for each task; C callers have threads.
enum ThreadMode {
    /// Holds 1 where recording is off.
    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        // Without a key every thread records, as it does before it says otherwise.
        return pthread_key_create(&key, nil) == 0 ? key : .max
    }()

    static var isRecording: Bool {
        get { pthread_getspecific(key) == nil }
        set { pthread_setspecific(key, newValue ? nil : UnsafeRawPointer(bitPattern: 1)) }
    }
}
