/// What happened in a shop on one day: made in parallel with other days, from a stream of its own.
struct ShopDay: Sendable {
    struct Session: Sendable {
        var customer: Int
        /// Milliseconds since midnight.
        var start: Int
        var durationSeconds = 0
        var pageViews = 0
        var campaign: UInt8
        var country: UInt8
        var device: UInt8
        var channel: UInt8
        var landingPage: UInt16
        var isBounce: Bool
    }

    struct Event: Sendable {
        var customer: Int
        var session: Int
        /// Milliseconds since the midnight that the day began with; may pass into the next day.
        var time: Int
        var product: Int32
        var event: UInt8
        var country: UInt8
        var device: UInt8

        static let purchase: UInt8 = 5
        /// View, cart, checkout and purchase name a product.
        var hasProduct: Bool { event == 1 || (3...5).contains(event) }
    }

    /// Days since the shop's first.
    var day: Int
    var firstSession: Int
    var sessions: [Session] = []
    /// In order of time once ``sortEvents()`` has run.
    var events: [Event] = []

    static let millisecondCount = 86_400_000

    /// Makes up a day; sessions in order of time, events session by session.
    init(_ shop: Shop, day: Int) {
        self.day = day
        firstSession = shop.sessionsBefore(day: day) + 1
        let count = max(0, shop.sessionsBefore(day: day + 1) - firstSession + 1)
        guard count > 0 else { return }
        var random = RandomSource(seed: shop.seed, stream: UInt64(day) + 1)
        var starts = (0..<count).map { _ in ShopDay.startTime(&random) }
        starts.sort()
        sessions.reserveCapacity(count)
        events.reserveCapacity(count * 4)
        for start in starts { addSession(shop, start: start, &random) }
    }

    private static func startTime(_ random: inout RandomSource) -> Int {
        let hour = random.normal(mean: 19, deviation: 4.5)
        let inDay = hour - (hour / 24).rounded(.down) * 24
        return min(Int(inDay * 3_600_000), millisecondCount - 1)
    }

    private mutating func addSession(_ shop: Shop, start: Int, _ random: inout RandomSource) {
        let rank = min(shop.customerCount - 1, Int(Double(shop.customerCount) * power(random.unit())))
        let customer = shop.customer(rank: rank)
        let channel = shop.channels.next(&random)
        let isHome = random.unit() < 0.97
        let depth = shop.depths.next(&random)
        var session = Session(
            customer: customer, start: start, campaign: UInt8(random.below(Shop.campaignCount)),
            country: isHome ? shop.homes[customer] : UInt8(random.below(Shop.countryNames.count)),
            device: UInt8(shop.devices.next(&random)), channel: UInt8(channel),
            landingPage: UInt16(shop.landingPages.next(&random)), isBounce: depth == 0)
        let browsed = depth == 0 ? 1 : 1 + random.geometric(0.28)
        let bought = max(0, depth - 1)
        var time = start
        for position in 0..<(browsed + bought) {
            if position > 0 { time += Int(random.exponential(mean: 38_000)) + 500 }
            let kind =
                position == 0 ? 0 : position < browsed ? shop.browsing.next(&random) : 3 + position - browsed
            if kind <= 1 { session.pageViews += 1 }
            events.append(
                Event(
                    customer: customer, session: firstSession + sessions.count, time: time,
                    product: Int32(shop.products.next(&random)), event: UInt8(kind), country: session.country,
                    device: session.device))
        }
        session.durationSeconds = (time - start) / 1000
        sessions.append(session)
    }

    /// A skewed share of customers: few are very active.
    private func power(_ unit: Double) -> Double {
        // unit^2.25, by roots alone.
        unit * unit * unit.squareRoot().squareRoot()
    }

    /// Takes the events that happen after the day's end out, their times counted from the next midnight.
    mutating func removeLateEvents() -> [Event] {
        var late: [Event] = []
        events.removeAll { event in
            guard event.time >= ShopDay.millisecondCount else { return false }
            var moved = event
            moved.time -= ShopDay.millisecondCount
            late.append(moved)
            return true
        }
        return late
    }

    var purchaseCount: Int { events.count { $0.event == Event.purchase } }

    /// Puts the events in order of time, those of one millisecond in order of making.
    mutating func sortEvents() {
        var keys = events.indices.map { UInt64(events[$0].time) << 32 | UInt64($0) }
        keys.sort()
        events = keys.map { events[Int($0 & 0xFFFF_FFFF)] }
    }
}
