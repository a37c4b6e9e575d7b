// An application imports `Dukkan` alone; the public types of the layers below are its vocabulary.
@_exported public import DukkanFormat
@_exported public import DukkanIngest
@_exported public import DukkanLanguage
@_exported public import DukkanQuery
@_exported public import DukkanStorage
@_exported public import DukkanTime
