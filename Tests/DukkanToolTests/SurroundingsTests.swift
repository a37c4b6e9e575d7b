import Foundation
import Testing

/// What a process finds around it: a mask of permissions, a file system that is mounted for reading only, a clock that
/// steps.
struct SurroundingsTests {
    private static let question = "SELECT event, count(*) AS n, sum(amount) AS total FROM sales GROUP BY event"
    private static let answer = "event,n,total\nbuy,40,20.00\nview,80,40.00\n"

    /// Runs the tool and expects it to succeed.
    @discardableResult
    private func must(
        _ arguments: [String], in folder: ToolProcess.Folder, script: String? = nil, environment: [String: String] = [:]
    ) throws -> ToolProcess.Ending {
        let ending = try ToolProcess.run(arguments, in: folder, environment: environment, script: script)
        try #require(ending.code == 0, "\(arguments): \(ending.errors)")
        return ending
    }

    /// Creates, imports, compacts, erases and backs up; one of the customers is gone in the end.
    private func makeShop(
        in folder: ToolProcess.Folder, script: String? = nil, environment: [String: String] = [:]
    ) throws {
        func step(_ arguments: String...) throws {
            try must(arguments, in: folder, script: script, environment: environment)
        }
        var rows = "customer,at,event,amount\n"
        for row in 0..<126 {
            rows += "\(row % 21),2025-01-\(10 + row / 21) 00:00:00,\(row / 21 % 3 == 0 ? "buy" : "view"),0.50\n"
        }
        try folder.write(rows, to: "sales.csv")
        try step("init", "shop.dukkan")
        try step(
            "query", "shop.dukkan",
            "CREATE TABLE sales (customer INT CUSTOMER, at TIMESTAMP TIME, event STRING, amount DECIMAL(2))")
        try step("import", "shop.dukkan", "sales", "sales.csv", "--quiet")
        try step("erase", "shop.dukkan", "--customer", "20", "--receipt", "receipt.json")
        try step("compact", "shop.dukkan")
        try step("backup", "shop.dukkan", "copy.dukkan")
    }

    /// Answers the question over a store and its copy.
    private func check(in folder: ToolProcess.Folder, environment: [String: String] = [:]) throws {
        for store in ["shop.dukkan", "copy.dukkan"] {
            let told = try must(
                ["query", store, Self.question + " ORDER BY event", "--format", "csv", "--timeout", "100"], in: folder,
                environment: environment)
            #expect(told.output == Self.answer)
            #expect(try must(["verify", store], in: folder, environment: environment).output.contains("all is well"))
        }
    }

    @Test(arguments: ["000", "022", "077"])
    func `whatever the umask, all of a store is its owner's only`(mask: String) throws {
        let folder = try ToolProcess.Folder()
        try makeShop(in: folder, script: "umask \(mask)\nexec \"$@\"")
        try check(in: folder)
        var count = 0
        for name in ["shop.dukkan", "copy.dukkan", "receipt.json"] {
            let place = folder.url.appending(path: name)
            let within = FileManager.default.enumerator(at: place, includingPropertiesForKeys: nil)
            for path in [place.path()] + (within?.compactMap { ($0 as? URL)?.path() } ?? []) {
                var status = stat()
                try #require(lstat(path, &status) == 0)
                let isFolder = status.st_mode & S_IFMT == S_IFDIR
                #expect(status.st_mode & 0o777 == (isFolder ? 0o700 : 0o600), "\(path) under \(mask)")
                count += 1
            }
        }
        #expect(count >= 11)
    }

    /// Mounts the folder over itself for reading only, seen by this process alone, and becomes the tool.
    private static let readOnlyMount = """
        exec unshare --mount --map-root-user sh -c \
            'mount --bind . . && mount -o remount,bind,ro . && cd "$PWD" && exec "$@"' sh "$@"
        """

    private static let canMount: Bool = {
        guard let folder = try? ToolProcess.Folder() else { return false }
        let ending = try? ToolProcess.run(["--version"], in: folder, script: readOnlyMount)
        return ending?.code == 0
    }()

    @Test(.enabled(if: canMount, "skipped: this machine lets no process mount a file system of its own"))
    func `a store on a read-only mount answers, and says why it takes nothing`() throws {
        let folder = try ToolProcess.Folder()
        try makeShop(in: folder)
        func ask(_ arguments: String...) throws -> ToolProcess.Ending {
            try ToolProcess.run(arguments, in: folder, script: Self.readOnlyMount)
        }
        let asked = try ask("query", "shop.dukkan", Self.question + " ORDER BY event", "--format", "csv")
        #expect(asked.code == 0 && asked.output == Self.answer, "\(asked.errors)")
        #expect(try ask("verify", "shop.dukkan").output.contains("all is well"))
        #expect(try ask("export", "shop.dukkan", "--customer", "3").output.contains("2025-01-10"))
        for command in [
            ["import", "shop.dukkan", "sales", "sales.csv"], ["compact", "shop.dukkan"],
            ["erase", "shop.dukkan", "--customer", "1"], ["query", "shop.dukkan", "DROP TABLE sales"],
            ["backup", "shop.dukkan", "other.dukkan"], ["init", "new.dukkan"],
        ] {
            let refused = try ToolProcess.run(command, in: folder, script: Self.readOnlyMount)
            #expect(refused.code == 1, "\(command): \(refused)")
            #expect(refused.errors.contains("Read-only file system"), "\(command): \(refused.errors)")
        }
        try check(in: folder)
    }

    /// Takes the place of the calls that tell the time of day: each tells another year.
    private static let steppingClock = """
        #define _GNU_SOURCE
        #include <sys/syscall.h>
        #include <sys/time.h>
        #include <time.h>
        #include <unistd.h>
        static long step(void) {
            static unsigned count;
            long years[] = {0, -40, 70, -55, 1, 200};
            return years[(getpid() + __atomic_fetch_add(&count, 1, __ATOMIC_RELAXED)) % 6] * 31557600;
        }
        int clock_gettime(clockid_t clock, struct timespec *time) {
            int result = syscall(SYS_clock_gettime, clock, time);
            if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) time->tv_sec += step();
            return result;
        }
        int gettimeofday(struct timeval *time, void *zone) {
            struct timespec now;
            clock_gettime(CLOCK_REALTIME, &now);
            time->tv_sec = now.tv_sec;
            time->tv_usec = now.tv_nsec / 1000;
            return 0;
        }
        time_t time(time_t *place) {
            struct timespec now;
            clock_gettime(CLOCK_REALTIME, &now);
            if (place) *place = now.tv_sec;
            return now.tv_sec;
        }
        """

    /// The library with the stepping clock, nil where it cannot be made or put under a process.
    private static let clockLibrary: (folder: ToolProcess.Folder, path: String)? = {
        guard let folder = try? ToolProcess.Folder(), (try? folder.write(steppingClock, to: "clock.c")) != nil else {
            return nil
        }
        let compile = """
            for compiler in cc clang gcc; do
                command -v $compiler >/dev/null && exec $compiler -shared -fPIC -O1 -o clock.so clock.c
            done
            exit 1
            """
        let compiler = try? ToolProcess.run([], in: folder, script: compile)
        // A shell that is asked for the year again and again must tell more than one.
        let years = try? ToolProcess.run(
            [], in: folder,
            script: "[ $(for i in 1 2 3 4 5 6 7; do LD_PRELOAD=./clock.so date +%Y; done | sort -u | wc -l) -gt 1 ]")
        guard compiler?.code == 0, years?.code == 0 else { return nil }
        return (folder, folder.path("clock.so"))
    }()

    @Test(.enabled(if: clockLibrary != nil, "skipped: no C compiler here, or no LD_PRELOAD"))
    func `a clock that steps by years at each look changes nothing that is stored or answered`() throws {
        let library = try #require(Self.clockLibrary)
        let folder = try ToolProcess.Folder()
        let environment = ["LD_PRELOAD": library.path]
        try makeShop(in: folder, environment: environment)
        try check(in: folder, environment: environment)
        try check(in: folder)
        // That the clock was under the tool at all: now and then these rows are of the future.
        var isWarned: Set<Bool> = []
        for _ in 0..<40 where isWarned.count < 2 {
            let told = try must(["import", "shop.dukkan", "sales", "sales.csv"], in: folder, environment: environment)
            isWarned.insert((told.output + told.errors).contains("later than tomorrow"))
        }
        #expect(isWarned == [true, false])
    }
}
