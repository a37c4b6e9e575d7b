#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The shop that data is made up for: its customers, products and habits, all from one seed.
struct Shop: Sendable {
    let seed: UInt64
    let sessionCount: Int
    let customerCount: Int
    let stringCustomers: Bool

    /// Home country of each customer.
    let homes: [UInt8]
    /// Price of each product in hundredths, and its category.
    let prices: [Int32]
    let categories: [UInt8]

    let landingPages: WeightedChoice
    let products: WeightedChoice
    let devices = WeightedChoice([0.62, 0.30, 0.07, 0.01])
    let channels = WeightedChoice([0.30, 0.20, 0.16, 0.12, 0.09, 0.06, 0.04, 0.03])
    /// How far a session goes: bounce, browse, cart, checkout, purchase.
    let depths = WeightedChoice([0.42, 0.33, 0.13, 0.05, 0.07])
    let browsing = WeightedChoice([0.50, 0.30, 0.12, 0, 0, 0, 0.05, 0.03])
    let statuses = WeightedChoice([0.06, 0.10, 0.74, 0.07, 0.03])
    let payments = WeightedChoice([0.50, 0.28, 0.14, 0.05, 0.03])

    static let productCount = 20_000
    static let landingPageCount = 5_000
    static let campaignCount = 200
    static let couponCount = 300
    static let dayCount = 365
    /// 2025-01-01, in days since 1970-01-01.
    static let firstDay = 20_089

    init(sessions: Int, seed: UInt64, stringCustomers: Bool) {
        self.seed = seed
        self.stringCustomers = stringCustomers
        sessionCount = sessions
        customerCount = max(1000, sessions / 4)
        var random = RandomSource(seed: seed, stream: 0)
        let countries = WeightedChoice(zipf: Shop.countryNames.count, exponent: 1.1)
        homes = (0..<customerCount).map { _ in UInt8(countries.next(&random)) }
        landingPages = WeightedChoice(zipf: Shop.landingPageCount, exponent: 1.05)
        products = WeightedChoice(zipf: Shop.productCount, exponent: 0.9)
        prices = (0..<Shop.productCount).map { _ in
            Int32((exp(random.normal(mean: 3.3, deviation: 0.8)) * 100).rounded())
        }
        categories = (0..<Shop.productCount).map { _ in UInt8(random.below(Shop.categoryNames.count)) }
    }

    /// Number of sessions before a day of the year: growth over the year, and fuller weekends.
    func sessionsBefore(day: Int) -> Int {
        guard day < Shop.dayCount else { return sessionCount }
        let growth = pow(Double(day) / Double(Shop.dayCount), 1.6)
        // A weekly wave that sums to nothing over a week; 2025-01-01 was a Wednesday.
        let wave = sin(2 * .pi * Double(day - 2) / 7) - sin(2 * .pi * Double(-2) / 7)
        let amplitude = 0.1 / Double(Shop.dayCount) * min(1, Double(day) / 30)
        return max(0, Int(Double(sessionCount) * (growth + amplitude * wave)))
    }

    /// A customer's key in the data: ids are not in the order of activity.
    func customer(rank: Int) -> Int { rank &* 2_654_435_761 % customerCount }

    private static func names(_ list: String) -> [[UInt8]] {
        list.split(separator: " ").map { Array($0.utf8) }
    }

    static let countryNames = names(
        """
        EG SA AE US DE FR GB ES IT TR IN BR MX JP MA TN JO KW QA OM DZ IQ LB PK ID NG KE ZA CA AU NL BE SE NO PL PT \
        GR RO CZ HU
        """)
    static let deviceNames = names("mobile desktop tablet tv")
    static let channelNames = names("organic direct paid_search social email affiliate display referral")
    /// Channels that carry a campaign: paid search, social, email, display.
    static let campaignChannels: Set<Int> = [2, 3, 4, 6]
    static let eventNames = names("page_view view_item search add_to_cart begin_checkout purchase ad_click share")
    static let categoryNames = (0..<40).map { Array("cat\($0 / 10)\($0 % 10)".utf8) }
    static let statusNames = names("paid shipped delivered returned cancelled")
    static let paymentNames = names("card cod wallet transfer voucher")
    static let languageNames = names("ar en de fr es tr")
    static let campaignNames = (0..<campaignCount).map { Array("cmp-\($0 / 100)\($0 / 10 % 10)\($0 % 10)".utf8) }
    static let couponNames = (0..<couponCount).map { Array("CPN\($0 / 100)\($0 / 10 % 10)\($0 % 10)".utf8) }
    static let landingPageNames = (0..<landingPageCount).map {
        Array("/p/\($0 * 7919 % landingPageCount)-item-\($0 % 97).html".utf8)
    }
}
